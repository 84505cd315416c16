-- The scripts of AEGIS gateways run after the service too: their "create table if not exists" leaves our tables as
-- they are, so these get the columns, defaults and unique keys that the scripts go on to use. A table that a gateway
-- made is left as it is: ours are known by the columns that 001 gave them. A key is left out where rows contradict it.

do $$
declare
  found text[];
begin
  select array_agg(attname::text order by attnum) into found from pg_attribute
    where attrelid = to_regclass('rate_limit_rules') and attnum > 0 and not attisdropped
      and exists (select from pg_class where oid = attrelid and relkind = 'r' and pg_has_role(relowner, 'usage'));
  if found is distinct from array['id', 'endpoint_pattern', 'requests_per_minute', 'tier', 'burst_size', 'enabled',
    'description', 'created_at', 'updated_at'] or not exists (select from pg_attribute
    where attrelid = to_regclass('rate_limit_rules') and attname = 'id' and attidentity <> '') then return;
  end if;
  alter table rate_limit_rules
    alter requests_per_minute set default 100,
    alter tier set default 'default',
    add burst_limit int;
  begin
    create unique index aegis_ml_one_rule_per_tier on rate_limit_rules (endpoint_pattern, tier);
  exception when unique_violation then
    raise notice 'rate_limit_rules has several rules for a pattern and a tier';
  end;
  -- For ON CONFLICT (endpoint_pattern). The service drops it when a pattern gets a rule for a second tier.
  begin
    create unique index aegis_ml_one_rule_per_pattern on rate_limit_rules (endpoint_pattern);
  exception when unique_violation then
    raise notice 'rate_limit_rules has rules of several tiers for a pattern';
  end;
end $$;

do $$
declare
  found text[];
begin
  select array_agg(attname::text order by attnum) into found from pg_attribute
    where attrelid = to_regclass('ml_models') and attnum > 0 and not attisdropped
      and exists (select from pg_class where oid = attrelid and relkind = 'r' and pg_has_role(relowner, 'usage'));
  if found is distinct from array['id', 'model_name', 'model_type', 'version', 'trained_at', 'training_samples',
    'training_duration_seconds', 'parameters', 'metrics', 'feature_names', 'feature_baselines', 'model_path',
    'model_size_bytes', 'is_active', 'deactivated_at', 'created_at'] or not exists (select from pg_attribute
    where attrelid = to_regclass('ml_models') and attname = 'id' and attidentity <> '') then return;
  end if;
  create unique index aegis_ml_one_row_per_version on ml_models (model_name, version);
exception when unique_violation then
  raise notice 'ml_models has a version of a model several times';
end $$;
