-- Variant B: what the scripts of the gateway's database container create. They stop at the first error.

create extension if not exists pg_trgm;

create table if not exists request_logs (
  id serial primary key,
  "timestamp" timestamptz default now(),
  method varchar(10) not null,
  path text not null,
  status_code integer not null,
  response_time_ms integer not null,
  user_id varchar(255),
  ip_address inet,
  user_agent text,
  backend_name varchar(100),
  request_id uuid not null,
  error_message text,
  created_at timestamptz default now()
);
create index if not exists idx_request_logs_path on request_logs using gin (path gin_trgm_ops);

create table if not exists rate_limit_rules (
  id serial primary key,
  endpoint_pattern varchar(255) not null,
  requests_per_minute integer default 100,
  tier varchar(50) default 'default',
  burst_size integer,
  enabled boolean default true,
  description text,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  unique (endpoint_pattern, tier)
);

insert into rate_limit_rules (endpoint_pattern, requests_per_minute, tier, burst_size, description) values
  ('/**', 100, 'default', 20, 'All others'),
  ('/api/public/**', 300, 'public', 50, 'Public'),
  ('/api/admin/**', 60, 'admin', 10, 'Administration'),
  ('/auth/**', 10, 'auth', 5, 'Logins'),
  ('/internal/**', 1000, 'internal', 200, 'Between services')
on conflict (endpoint_pattern, tier) do nothing;

create table if not exists anomaly_events (
  id bigserial primary key,
  detected_at timestamptz not null default now(),
  anomaly_type varchar(50) not null,
  severity varchar(20) not null,
  confidence numeric(5, 4) not null,
  raw_score double precision,
  normalized_score double precision,
  explanation text,
  metrics jsonb,
  features jsonb,
  status varchar(20) default 'active',
  acknowledged_at timestamptz,
  acknowledged_by varchar(255),
  resolved_at timestamptz,
  resolution_notes text,
  created_at timestamptz default now()
);

create table if not exists rate_limit_recommendations (
  id bigserial primary key,
  generated_at timestamptz not null default now(),
  endpoint_pattern varchar(255) not null,
  tier varchar(50) not null default 'default',
  current_limit integer,
  current_burst integer,
  recommended_limit integer not null,
  recommended_burst integer not null,
  strategy varchar(50) not null,
  confidence numeric(5, 4) not null,
  reasoning text,
  warnings text[],
  endpoint_profile jsonb,
  status varchar(20) default 'pending',
  applied_at timestamptz,
  applied_by varchar(255),
  rejection_reason text,
  created_at timestamptz default now(),
  expires_at timestamptz
);

create table if not exists ml_models (
  id serial primary key,
  model_name varchar(100) not null,
  model_type varchar(50) not null,
  version varchar(50) not null,
  trained_at timestamptz not null default now(),
  training_samples integer,
  training_duration_seconds numeric(10, 2),
  parameters jsonb,
  metrics jsonb,
  feature_names text[],
  feature_baselines jsonb,
  model_path text,
  model_size_bytes bigint,
  is_active boolean default false,
  deactivated_at timestamptz,
  created_at timestamptz default now(),
  unique (model_name, version)
);

create table if not exists metrics_snapshots (
  id bigserial primary key,
  snapshot_at timestamptz not null default now(),
  requests_per_second double precision,
  avg_latency_ms double precision,
  error_rate double precision,
  created_at timestamptz default now()
);

create or replace view v_active_anomalies as
  select id, detected_at, anomaly_type, severity, confidence, explanation from anomaly_events
  where status = 'active';

create or replace view v_pending_recommendations as
  select id, generated_at, endpoint_pattern, tier, current_limit, recommended_limit, recommended_burst, confidence
  from rate_limit_recommendations where status = 'pending';
