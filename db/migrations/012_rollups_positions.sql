-- What was seen in a learned position since noted_from: a bounded summary of its values that are not kept.
alter table aegis_ml_rollup_positions
  add column if not exists noted jsonb,
  add column if not exists noted_from timestamptz not null default now();
