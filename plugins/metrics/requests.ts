import type { Registry } from 'prom-client'
import type { RequestCounts } from '../http/request-counts.js'
import { register, registerHistogram } from './counted.js'

/** What is asked of the service, and how it answers. */
export function registerRequests(registry: Registry, counts: RequestCounts): void {
  register(registry, {
    name: 'aegis_ml_http_requests_total',
    help: 'HTTP requests that were answered, by the template of the path, the method and the status code.',
    type: 'counter',
    *samples() {
      for (const { route, method, codes } of counts.routes()) {
        for (const [code, value] of codes) yield { labels: { route, method, code }, value }
      }
    },
  })
  registerHistogram(registry, {
    name: 'aegis_ml_http_request_duration_seconds',
    help: 'Time from the arrival of the headers of a request to the end of its answer. Event streams and HEAD are left out.',
    *observations() {
      for (const { route, method, durations } of counts.routes()) {
        if (method !== 'HEAD') yield { labels: { route, method }, histogram: durations }
      }
    },
  })
  register(registry, {
    name: 'aegis_ml_http_failures_total',
    help: 'Requests that were answered with a failure, by its code. The page on errors explains each code.',
    type: 'counter',
    *samples() {
      for (const [reason, value] of counts.failures) yield { labels: { reason }, value }
    },
  })
}
