-- Minutes of a gateway that were fetched from Prometheus. Requests and errors of a minute need not be whole numbers:
-- they are rates. A latency in ms is null where Prometheus has none.
create table aegis_ml_prometheus_minutes (
  source text not null,
  minute timestamptz not null,
  requests float8 not null,
  errors float8 not null,
  latency_avg float8,
  latency_p95 float8,
  latency_p99 float8,
  primary key (source, minute)
);

-- How far each source is fetched. With other queries it is fetched anew.
create table aegis_ml_prometheus_state (
  source text primary key,
  queries text not null,
  fetched_to timestamptz not null
);
