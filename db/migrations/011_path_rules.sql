-- The rules of paths that were set by PUT /endpoints/rules: one row, or none. They replace those of PATH_RULES.
create table if not exists aegis_ml_path_rules (
  id int primary key default 1 check (id = 1),
  rules jsonb not null,
  updated_at timestamptz not null default now()
);
