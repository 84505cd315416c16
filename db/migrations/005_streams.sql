-- What is remembered of each source that reports, so that a restart forgets nothing. Best effort: written now and then.
create table aegis_ml_streams (
  source text primary key,
  memory jsonb not null,
  updated_at timestamptz not null default now()
);
