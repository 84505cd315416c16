import type { RowField } from './row-fields.js'

/** Where each field is found: names in the grammar of a field map, the first that says something counts. */
export type Preset = Readonly<Partial<Record<RowField, string>>>

/** The JSON access logs of gateways. */
export const PRESETS = {
  /** `log_format … escape=json` with the names of NGINX's variables, and those of ingress-nginx. */
  nginx: {
    timestamp: 'msec|time_iso8601|time_local|timestamp|time|@timestamp|ts',
    method: 'request_method|method|request',
    path: 'request_uri|uri|path|request',
    status_code: 'status|status_code',
    response_time_ms: 'request_time*1000',
    user_id: 'user_id|remote_user',
    ip_address: 'remote_addr|client_ip',
    user_agent: 'http_user_agent|user_agent',
    backend: 'proxy_upstream_name|upstream_addr',
    request_id: 'request_id|req_id|http_x_request_id',
  },
  /** `json_format` with the names that Envoy's documentation, Istio and Envoy Gateway use. */
  envoy: {
    timestamp: 'start_time|timestamp',
    method: 'method|:method',
    path: 'path|x-envoy-origin-path|x-envoy-original-path|:path',
    status_code: 'response_code|status',
    response_time_ms: 'duration',
    user_id: 'user_id',
    ip_address: 'x_forwarded_for|x-forwarded-for|downstream_remote_address|client_ip',
    user_agent: 'user_agent|user-agent',
    backend: 'upstream_cluster|upstream_host',
    request_id: 'request_id|x_request_id|x-request-id',
    error: 'upstream_transport_failure_reason',
  },
  /** `accessLog.format: json`. Durations are nanoseconds. */
  traefik: {
    timestamp: 'StartUTC|StartLocal|time',
    method: 'RequestMethod',
    path: 'RequestPath',
    status_code: 'DownstreamStatus|OriginStatus',
    response_time_ms: 'Duration*0.000001',
    user_id: 'ClientUsername',
    ip_address: 'ClientHost|ClientAddr',
    user_agent: 'request_User-Agent',
    backend: 'ServiceName|RouterName',
    request_id: 'request_X-Request-Id',
  },
  /** The JSON encoder of `log`. Times and durations are seconds; headers are lists. */
  caddy: {
    timestamp: 'ts',
    method: 'request.method',
    path: 'request.uri',
    status_code: 'status',
    response_time_ms: 'duration*1000',
    user_id: 'user_id',
    ip_address: 'request.client_ip|request.remote_ip|request.remote_addr',
    user_agent: 'request.headers.User-Agent',
    request_id: 'request.headers.X-Request-Id',
  },
  /** What http-log, file-log, tcp-log and udp-log write. */
  kong: {
    timestamp: 'started_at',
    method: 'request.method',
    path: 'request.uri',
    status_code: 'response.status',
    response_time_ms: 'latencies.request',
    user_id: 'consumer.custom_id|consumer.username|authenticated_entity.id',
    ip_address: 'client_ip',
    user_agent: 'request.headers.user-agent',
    backend: 'service.name|service.host',
    request_id: 'request.id',
  },
  /** A `log-format` with the names of docs/ingest.md, which are those of HAProxy's own field list where it has one. */
  haproxy: {
    timestamp: 'timestamp|accept_date|request_date|date|time|Ts',
    method: 'http_method|method|request.method|http_request',
    path: 'http_path|http_uri|uri|path|request.uri|http_request',
    status_code: 'status_code|status|response.status_code',
    response_time_ms: 'time_active|Ta|Tt|duration_ms',
    user_id: 'user_id',
    ip_address: 'client_ip|client.ip|src',
    user_agent: 'user_agent|http_user_agent',
    backend: 'backend_name|backend',
    request_id: 'unique_id|request_id',
    error: 'termination_error',
  },
  /** What http-logger, file-logger and the other loggers write by default. */
  apisix: {
    timestamp: 'start_time',
    method: 'request.method',
    path: 'request.uri',
    status_code: 'response.status',
    response_time_ms: 'latency',
    user_id: 'consumer.username',
    ip_address: 'client_ip',
    user_agent: 'request.headers.user-agent',
    backend: 'upstream|service_id|route_id',
    request_id: 'request.headers.x-request-id',
  },
} as const satisfies Record<string, Preset>

export type PresetName = keyof typeof PRESETS
