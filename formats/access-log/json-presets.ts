import type { JsonField } from './json-names.js'

/** The JSON of a server. */
export interface JsonPreset {
  /** A line of it has a value under each of these names. */
  readonly needs: readonly string[]
  /** Where each field is found, the first that says something counts; see joinReader for `a+b` and `a&b`. */
  readonly fields: Readonly<Partial<Record<JsonField, readonly string[]>>>
  /** Paths have no slash before them. */
  readonly isRootless?: boolean
}

const FORWARDED = ['request.headers.x-forwarded-for', 'request.headers.X-Forwarded-For']

/**
 * What servers write as JSON, by the names and units of their documentation. A line that fits none
 * is read with the usual names, see json-fields.ts.
 */
export const JSON_PRESETS = {
  /** Envoy and Istio: `json_format` of the documentation. Durations are ms. */
  envoy: {
    needs: ['start_time', 'response_code'],
    fields: {
      timestamp: ['start_time'],
      method: ['method', ':method'],
      path: ['x-envoy-origin-path', 'x-envoy-original-path', 'path', ':path'],
      status: ['response_code'],
      latency_ms: ['duration'],
      client: ['downstream_remote_address', 'downstream_direct_remote_address', 'client_ip'],
      forwarded: ['x_forwarded_for', 'x-forwarded-for'],
      user: ['user_id'],
      user_agent: ['user_agent', 'user-agent'],
      bytes: ['bytes_sent'],
    },
  },
  /** Traefik: durations are ns. */
  traefik: {
    needs: ['RequestMethod', 'DownstreamStatus'],
    fields: {
      timestamp: ['StartUTC', 'StartLocal', 'time'],
      method: ['RequestMethod'],
      path: ['RequestPath'],
      status: ['DownstreamStatus', 'OriginStatus'],
      latency_ns: ['Duration'],
      client: ['ClientHost', 'ClientAddr'],
      forwarded: ['request_X-Forwarded-For'],
      user: ['ClientUsername'],
      user_agent: ['request_User-Agent'],
      bytes: ['DownstreamContentSize'],
    },
  },
  /** Caddy: durations are seconds. */
  caddy: {
    needs: ['request.method', 'request.uri', 'status', 'duration'],
    fields: {
      timestamp: ['ts'],
      method: ['request.method'],
      path: ['request.uri'],
      status: ['status'],
      latency_s: ['duration'],
      client: ['request.client_ip', 'request.remote_ip', 'request.remote_addr'],
      forwarded: FORWARDED,
      user: ['user_id'],
      user_agent: ['request.headers.User-Agent', 'request.headers.user-agent'],
      bytes: ['size'],
    },
  },
  /** Kong: file-log, http-log and their like. Times are ms. */
  kong: {
    needs: ['started_at', 'request.method', 'latencies'],
    fields: {
      timestamp: ['started_at'],
      method: ['request.method'],
      path: ['request.uri', 'request.url'],
      status: ['response.status'],
      latency_ms: ['latencies.request'],
      client: ['client_ip'],
      forwarded: FORWARDED,
      user: ['consumer.custom_id', 'consumer.username'],
      user_agent: ['request.headers.user-agent'],
      bytes: ['response.size'],
    },
  },
  /** APISIX: http-logger, file-logger and their like. Times are ms. */
  apisix: {
    needs: ['start_time', 'request.method', 'latency'],
    fields: {
      timestamp: ['start_time'],
      method: ['request.method'],
      path: ['request.uri', 'request.url'],
      status: ['response.status'],
      latency_ms: ['latency'],
      client: ['client_ip'],
      forwarded: FORWARDED,
      user: ['consumer.username'],
      user_agent: ['request.headers.user-agent'],
      bytes: ['response.size'],
    },
  },
  /** Tyk: the records of Tyk Pump. Times are ms. The key of an API is no user. */
  tyk: {
    needs: ['response_code', 'request_time', 'api_name'],
    fields: {
      timestamp: ['timestamp'],
      method: ['method'],
      path: ['path', 'raw_path'],
      status: ['response_code'],
      latency_ms: ['latency.total', 'request_time'],
      client: ['ip_address'],
      user_agent: ['user_agent'],
    },
  },
  /** Google Cloud: the HttpRequest of a LogEntry. Durations have a unit. */
  gcp: {
    needs: ['httpRequest.requestMethod', 'httpRequest.requestUrl'],
    fields: {
      timestamp: ['timestamp', 'receiveTimestamp'],
      method: ['httpRequest.requestMethod'],
      path: ['httpRequest.requestUrl'],
      status: ['httpRequest.status'],
      latency_s: ['httpRequest.latency'],
      client: ['httpRequest.remoteIp'],
      user_agent: ['httpRequest.userAgent'],
      bytes: ['httpRequest.responseSize'],
    },
  },
  /** Cloudflare Logpush: http_requests. */
  cloudflare: {
    needs: ['EdgeStartTimestamp', 'EdgeResponseStatus'],
    fields: {
      timestamp: ['EdgeStartTimestamp'],
      end: ['EdgeEndTimestamp'],
      method: ['ClientRequestMethod'],
      path: ['ClientRequestURI', 'ClientRequestPath'],
      status: ['EdgeResponseStatus'],
      client: ['ClientIP'],
      forwarded: ['ClientXForwardedFor'],
      user_agent: ['ClientRequestUserAgent'],
      bytes: ['EdgeResponseBytes'],
    },
  },
  /** Azure Application Gateway v2: seconds. Its `timeStamp` has a capital letter. */
  'azure-appgateway': {
    needs: ['timeStamp', 'properties.httpStatus', 'properties.timeTaken'],
    fields: {
      timestamp: ['timeStamp'],
      method: ['properties.httpMethod'],
      path: ['properties.originalRequestUriWithArgs', 'properties.requestUri'],
      status: ['properties.httpStatus'],
      latency_s: ['properties.timeTaken'],
      client: ['properties.clientIP'],
      user_agent: ['properties.userAgent'],
      bytes: ['properties.sentBytes'],
    },
  },
  /** Azure Application Gateway v1: milliseconds. */
  'azure-appgateway-v1': {
    needs: ['time', 'properties.httpStatus', 'properties.timeTaken', 'properties.instanceId'],
    fields: {
      timestamp: ['time'],
      method: ['properties.httpMethod'],
      path: ['properties.requestUri'],
      status: ['properties.httpStatus'],
      latency_ms: ['properties.timeTaken'],
      client: ['properties.clientIP'],
      user_agent: ['properties.userAgent'],
      bytes: ['properties.sentBytes'],
    },
  },
  /** Azure Front Door: seconds. */
  'azure-frontdoor': {
    needs: ['properties.httpStatusCode', 'properties.requestUri'],
    fields: {
      timestamp: ['time'],
      method: ['properties.httpMethod'],
      path: ['properties.requestUri'],
      status: ['properties.httpStatusCode'],
      latency_s: ['properties.timeTaken'],
      client: ['properties.clientIp', 'properties.clientIP'],
      user_agent: ['properties.userAgent'],
      bytes: ['properties.responseBytes'],
    },
  },
  /** Azure API Management: GatewayLogs. */
  'azure-apim': {
    needs: ['callerIpAddress', 'properties.responseCode', 'properties.method'],
    fields: {
      timestamp: ['time'],
      method: ['properties.method'],
      path: ['properties.url'],
      status: ['properties.responseCode'],
      latency_ms: ['DurationMs', 'durationMs', 'properties.totalTime'],
      client: ['callerIpAddress'],
      user: ['properties.userId'],
      bytes: ['properties.responseSize'],
    },
  },
  /** Amazon API Gateway: the JSON example of its documentation, and $context variables under their own names. */
  apigateway: {
    needs: ['httpMethod', 'status'],
    fields: {
      timestamp: ['requestTimeEpoch', 'requestTime'],
      method: ['httpMethod'],
      path: ['path', 'resourcePath', 'routeKey', 'requestContext.path'],
      status: ['status'],
      latency_ms: ['responseLatency'],
      client: ['ip', 'sourceIp', 'identity.sourceIp'],
      user: ['user'],
      user_agent: ['userAgent', 'identity.userAgent'],
      bytes: ['responseLength'],
    },
  },
  /** CloudFront's standard log as JSON. */
  cloudfront: {
    needs: ['date', 'x-edge-location', 'cs-method'],
    fields: {
      timestamp: ['timestamp(ms)', 'timestamp', 'date&time'],
      method: ['cs-method'],
      path: ['cs-uri-stem'],
      status: ['sc-status'],
      latency_s: ['time-taken'],
      client: ['c-ip'],
      forwarded: ['x-forwarded-for'],
      user_agent: ['cs(User-Agent)'],
      bytes: ['sc-bytes'],
    },
  },
  /** Google App Engine: the RequestLog of a LogEntry. */
  'gcp-appengine': {
    needs: ['protoPayload.method', 'protoPayload.resource'],
    fields: {
      timestamp: ['protoPayload.startTime', 'timestamp'],
      method: ['protoPayload.method'],
      path: ['protoPayload.resource'],
      status: ['protoPayload.status'],
      latency_s: ['protoPayload.latency'],
      client: ['protoPayload.ip'],
      user: ['protoPayload.nickname'],
      user_agent: ['protoPayload.userAgent'],
      bytes: ['protoPayload.responseSize'],
    },
  },
  /** Azure App Service: AppServiceHTTPLogs. Times are ms. */
  'azure-appservice': {
    needs: ['properties.CsMethod', 'properties.CsUriStem', 'properties.ScStatus'],
    fields: {
      timestamp: ['time', 'TimeGenerated'],
      method: ['properties.CsMethod'],
      path: ['properties.CsUriStem'],
      status: ['properties.ScStatus'],
      latency_ms: ['properties.TimeTaken'],
      client: ['properties.CIp'],
      user: ['properties.CsUsername'],
      user_agent: ['properties.UserAgent'],
      bytes: ['properties.ScBytes'],
    },
  },
  /** Cloudflare Workers: workers_trace_events. */
  'cloudflare-worker': {
    needs: ['EventTimestampMs', 'Event.Request.Method'],
    fields: {
      timestamp: ['EventTimestampMs'],
      method: ['Event.Request.Method'],
      path: ['Event.Request.URL'],
      status: ['Event.Response.Status'],
      latency_ms: ['WallTimeMs'],
    },
  },
  /** Vercel: what its drains send for a request. */
  vercel: {
    needs: ['deploymentId', 'proxy.method', 'proxy.statusCode'],
    fields: {
      timestamp: ['proxy.timestamp', 'timestamp'],
      method: ['proxy.method'],
      path: ['proxy.path'],
      status: ['proxy.statusCode', 'statusCode'],
      client: ['proxy.clientIp'],
      user_agent: ['proxy.userAgent'],
      bytes: ['proxy.responseByteSize'],
    },
  },
  /** Linkerd: the access log of its proxy as JSON. Durations are ns. */
  linkerd: {
    needs: ['client.addr', 'total_ns'],
    fields: {
      timestamp: ['timestamp'],
      method: ['method'],
      path: ['uri'],
      status: ['status'],
      latency_ns: ['total_ns'],
      client: ['client.addr'],
      user_agent: ['user_agent'],
      bytes: ['response_bytes'],
    },
  },
  /** Akamai DataStream 2. */
  akamai: {
    isRootless: true,
    needs: ['reqTimeSec', 'statusCode', 'reqMethod'],
    fields: {
      timestamp: ['reqTimeSec'],
      method: ['reqMethod'],
      path: ['reqPath'],
      status: ['statusCode'],
      latency_ms: ['turnAroundTimeMSec'],
      client: ['cliIP'],
      forwarded: ['xForwardedFor'],
      user_agent: ['UA'],
      bytes: ['totalBytes', 'bytes'],
    },
  },
} as const satisfies Record<string, JsonPreset>
