-- How a new version compares with the one before it, and what the service trained by itself.

create table aegis_ml_model_comparisons (
  kind text not null,
  version text not null,
  -- Whether it was activated when it was trained.
  activated boolean not null,
  automatic boolean not null,
  -- Why it was not activated; null if it was.
  refused text,
  comparison jsonb,
  created_at timestamptz not null default now(),
  primary key (kind, version),
  foreign key (kind, version) references aegis_ml_models on delete cascade
);

-- The automatic training that was begun last, and how the last one ended. One row, from the first training on.
create table aegis_ml_automatic_training (
  single boolean primary key default true check (single),
  attempted_at timestamptz not null,
  outcome jsonb
);
