import type { JsonPreset } from './json-presets.js'

/** What servers write as `name=value`, see json-presets.ts. */
export const LOGFMT_PRESETS = {
  /** Heroku's router: `at=info method=GET path="/" …`; the time is that of the line around it. */
  heroku: {
    needs: ['at', 'dyno', 'status'],
    fields: {
      method: ['method'],
      path: ['path'],
      status: ['status'],
      latency_ms: ['connect+service', 'service'],
      forwarded: ['fwd'],
      bytes: ['bytes'],
    },
  },
} as const satisfies Record<string, JsonPreset>

/** ltsv.org, "Labels for Web server's Log". */
export const LTSV: JsonPreset = {
  needs: ['time', 'status'],
  fields: {
    timestamp: ['time'],
    request: ['req'],
    method: ['method'],
    path: ['uri'],
    status: ['status'],
    latency_us: ['reqtime_microsec'],
    latency_s: ['reqtime', 'request_time'],
    client: ['host', 'remote_addr'],
    forwarded: ['forwardedfor', 'x_forwarded_for', 'xff'],
    user: ['user'],
    user_agent: ['ua'],
    bytes: ['size'],
  },
}
