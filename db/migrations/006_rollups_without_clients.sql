-- The rollup of clients by the hour is gone: nothing reads it. Every migration named "rollups" also runs when a
-- rollup table is missing, so each of them must be safe to run again.
drop table if exists aegis_ml_rollup_client_hours;
alter table aegis_ml_rollup_state drop column if exists clients_to;
