-- Batches of requests that are in the traffic table, so that a repeat adds nothing. Unlike the other tables that grow
-- with the traffic it cannot be partitioned by the time: the id alone has to be unique. It stays small, since each
-- batch removes some of those that are too old to come again.
create table aegis_ml_ingest_batches (
  batch_id text primary key,
  requests int not null,
  created_at timestamptz not null default now()
);
create index on aegis_ml_ingest_batches (created_at);
