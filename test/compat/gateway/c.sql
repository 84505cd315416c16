-- Variant C: the metrics migration, in addition to A or B. The collector of such a gateway writes into no other table.

create table if not exists request_metrics (
  id bigserial,
  "timestamp" timestamptz not null default now(),
  request_id varchar(64) not null,
  path text not null,
  method varchar(10) not null,
  status_code integer not null,
  duration_ms integer not null,
  user_id varchar(128),
  ip_address varchar(45) not null,
  user_agent text,
  backend varchar(64),
  bytes_in integer,
  bytes_out integer,
  error text,
  rate_limited boolean default false,
  cached boolean default false,
  tier varchar(32),
  primary key (id, "timestamp")
);
