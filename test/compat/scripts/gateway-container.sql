-- The tables as the scripts of the gateway's container make them.
create extension if not exists pg_trgm;
create table if not exists request_logs (
  id serial primary key,
  timestamp timestamptz not null default now(),
  method varchar(10) not null,
  path text not null,
  status_code int not null,
  response_time_ms int not null,
  user_id varchar(255),
  ip_address inet,
  user_agent text,
  backend_name varchar(100),
  request_id uuid not null,
  error_message text,
  created_at timestamptz not null default now()
);
create index if not exists idx_request_logs_timestamp on request_logs (timestamp desc);
create index if not exists idx_request_logs_path on request_logs using gin (path gin_trgm_ops);

create table if not exists rate_limit_rules (
  id serial primary key,
  endpoint_pattern varchar(255) not null,
  requests_per_minute int not null default 100,
  tier varchar(50) not null default 'default',
  burst_size int,
  enabled boolean not null default true,
  description text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (endpoint_pattern, tier)
);
insert into rate_limit_rules (endpoint_pattern, requests_per_minute, tier, description) values
  ('/*', 100, 'default', 'all endpoints'),
  ('/api/public/*', 200, 'public', 'public endpoints'),
  ('/api/admin/*', 50, 'admin', 'endpoints of administrators'),
  ('/auth/login', 10, 'auth', 'attempts to log in'),
  ('/metrics', 1000, 'internal', 'metrics')
on conflict (endpoint_pattern, tier) do nothing;
create or replace function touch_updated_at() returns trigger language plpgsql as $$
begin
  new.updated_at = now();
  return new;
end $$;
drop trigger if exists rate_limit_rules_updated on rate_limit_rules;
create trigger rate_limit_rules_updated before update on rate_limit_rules
  for each row execute function touch_updated_at();

create table if not exists metrics_snapshots (
  id serial primary key,
  snapshot_time timestamptz not null,
  bucket_interval_seconds int not null default 60,
  total_requests int not null default 0,
  requests_per_second numeric(12, 4) not null default 0,
  avg_latency_ms numeric(10, 2),
  error_rate numeric(5, 4) not null default 0,
  unique (snapshot_time, bucket_interval_seconds)
);
create table if not exists anomaly_events (
  id serial primary key,
  detected_at timestamptz not null default now(),
  anomaly_type varchar(50) not null,
  severity varchar(20) not null,
  confidence numeric(5, 4) not null,
  raw_score numeric(10, 6),
  normalized_score numeric(5, 4),
  explanation text,
  metrics jsonb not null,
  features jsonb,
  status varchar(20) not null default 'active'
    check (status in ('active', 'acknowledged', 'resolved', 'false_positive')),
  acknowledged_at timestamptz,
  acknowledged_by varchar(255),
  resolved_at timestamptz,
  resolution_notes text,
  snapshot_id int references metrics_snapshots (id),
  created_at timestamptz not null default now()
);
create index if not exists idx_anomaly_events_status on anomaly_events (status) where status = 'active';
create table if not exists rate_limit_recommendations (
  id serial primary key,
  generated_at timestamptz not null default now(),
  endpoint_pattern varchar(255) not null,
  tier varchar(50) not null default 'default',
  current_limit int,
  current_burst int,
  recommended_limit int not null,
  recommended_burst int not null,
  strategy varchar(20) not null,
  confidence numeric(5, 4) not null,
  reasoning text,
  warnings text[],
  endpoint_profile jsonb,
  status varchar(20) not null default 'pending'
    check (status in ('pending', 'applied', 'rejected', 'expired')),
  applied_at timestamptz,
  applied_by varchar(255),
  rejection_reason text,
  created_at timestamptz not null default now(),
  expires_at timestamptz default (now() + interval '7 days')
);
create table if not exists ml_models (
  id serial primary key,
  model_name varchar(100) not null,
  model_type varchar(50) not null,
  version varchar(50) not null,
  trained_at timestamptz not null,
  training_samples int not null,
  training_duration_seconds numeric(10, 2),
  parameters jsonb not null,
  metrics jsonb,
  feature_names text[] not null,
  feature_baselines jsonb,
  model_path varchar(500),
  model_size_bytes bigint,
  is_active boolean not null default false,
  deactivated_at timestamptz,
  created_at timestamptz not null default now(),
  unique (model_name, version)
);
insert into ml_models (model_name, model_type, version, trained_at, training_samples, parameters, feature_names)
values ('baseline', 'none', '0', now(), 0, '{}', '{}')
on conflict (model_name, version) do nothing;

create or replace view v_recent_anomalies as
  select id, detected_at, anomaly_type, severity, confidence, normalized_score, status,
    metrics ->> 'requests_per_second' as rps
  from anomaly_events where detected_at > now() - interval '24 hours' order by detected_at desc;
create or replace view v_pending_recommendations as
  select id, endpoint_pattern, tier, current_limit, recommended_limit, recommended_burst, confidence, strategy,
    reasoning, generated_at, expires_at
  from rate_limit_recommendations where status = 'pending' and expires_at > now() order by confidence desc;
create or replace view v_active_models as
  select id, model_name, model_type, version, trained_at, training_samples, parameters, metrics
  from ml_models where is_active;
insert into metrics_snapshots (snapshot_time, total_requests, avg_latency_ms)
select date_trunc('minute', timestamp), count(*), avg(response_time_ms)::numeric(10, 2) from request_logs group by 1
on conflict (snapshot_time, bucket_interval_seconds) do update set total_requests = excluded.total_requests;
