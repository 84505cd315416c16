-- Trained models with their artifacts, which of them is active, and the training runs.

create table aegis_ml_models (
  kind text not null,
  version text not null,
  artifact text not null,
  -- What GET /model/versions tells of it.
  summary jsonb not null,
  created_at timestamptz not null default now(),
  primary key (kind, version)
);

-- A row says what is active; its version is null after a reset.
create table aegis_ml_active_models (
  kind text primary key,
  version text,
  changed_at timestamptz not null default now(),
  foreign key (kind, version) references aegis_ml_models
);

create table aegis_ml_training_jobs (
  id uuid primary key,
  state text not null default 'running' check (state in ('running', 'done', 'failed', 'stopped')),
  stage text not null,
  share double precision not null default 0 check (share between 0 and 1),
  request jsonb not null,
  stop_requested boolean not null default false,
  started_at timestamptz not null default now(),
  heartbeat_at timestamptz not null default now(),
  ended_at timestamptz,
  result jsonb,
  error jsonb
);
create index on aegis_ml_training_jobs (started_at);
