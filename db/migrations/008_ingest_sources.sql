-- Ids of batches are unique for each source, and a batch is compared with the one that has its id: the hash is that of
-- its content. Batches of earlier releases have no hash, and belong to the source "default".
alter table aegis_ml_ingest_batches
  add column source text not null default 'default',
  add column content_hash bytea;
alter table aegis_ml_ingest_batches drop constraint aegis_ml_ingest_batches_pkey;
alter table aegis_ml_ingest_batches add primary key (source, batch_id);
