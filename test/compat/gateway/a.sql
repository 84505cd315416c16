-- Variant A: what the migration of the gateway's code creates.

create table if not exists request_logs (
  id serial primary key,
  "timestamp" timestamptz default now(),
  method varchar(10) not null,
  path text not null,
  status_code integer not null,
  response_time_ms integer not null,
  user_id varchar(255),
  ip_address inet not null,
  user_agent text,
  backend_name varchar(255),
  request_id uuid not null,
  error_message text,
  created_at timestamptz default now()
);

create table if not exists rate_limit_rules (
  id serial primary key,
  endpoint_pattern varchar(255) not null unique,
  requests_per_minute integer default 100,
  tier varchar(50) default 'default',
  burst_limit integer,
  enabled boolean default true,
  created_at timestamptz default now(),
  updated_at timestamptz default now()
);

insert into rate_limit_rules (endpoint_pattern, requests_per_minute, tier) values
  ('/**', 100, 'default'),
  ('/api/public/**', 300, 'public'),
  ('/api/admin/**', 60, 'admin'),
  ('/auth/login', 10, 'auth')
on conflict (endpoint_pattern) do nothing;
