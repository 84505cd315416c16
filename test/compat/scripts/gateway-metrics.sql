-- The table as the gateway's metrics migration makes it.
create table if not exists request_metrics (
  id bigserial,
  timestamp timestamptz default now(),
  request_id varchar(64) not null,
  path text not null,
  method varchar(10) not null,
  status_code int not null,
  duration_ms int not null,
  user_id varchar(128),
  ip_address varchar(45) not null,
  user_agent text,
  backend varchar(64),
  bytes_in int,
  bytes_out int,
  error text,
  rate_limited boolean default false,
  cached boolean default false,
  tier varchar(32),
  primary key (id, timestamp)
);
create index if not exists idx_request_metrics_path on request_metrics (path, timestamp desc);
