-- The tables as the migration of the gateway's code makes them.
create table if not exists request_logs (
  id serial primary key,
  timestamp timestamptz default now(),
  method varchar(10) not null,
  path text not null,
  status_code int not null,
  response_time_ms int not null,
  user_id varchar(255),
  ip_address inet not null,
  user_agent text,
  backend_name varchar(255),
  request_id uuid not null,
  error_message text,
  created_at timestamptz default now()
);
create index if not exists idx_request_logs_timestamp on request_logs (timestamp);
create index if not exists idx_request_logs_path on request_logs (path);
create index if not exists idx_request_logs_request_id on request_logs (request_id);

create table if not exists rate_limit_rules (
  id serial primary key,
  endpoint_pattern varchar(255) not null unique,
  requests_per_minute int not null default 100,
  tier varchar(50) default 'default',
  burst_limit int,
  enabled boolean default true,
  created_at timestamptz default now(),
  updated_at timestamptz default now()
);
insert into rate_limit_rules (endpoint_pattern, requests_per_minute, tier, burst_limit) values
  ('/**', 100, 'default', 20),
  ('/api/public/**', 200, 'public', 40),
  ('/api/admin/**', 50, 'admin', 10),
  ('/auth/login', 10, 'auth', 3)
on conflict (endpoint_pattern) do nothing;
