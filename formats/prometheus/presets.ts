import { histogramLatencies, selectorOf, sumOfRates, type PrometheusQueries } from './queries.js'

/** The queries of a product. */
interface Preset {
  /** Label matchers of the traffic from outside, unless the operator gives others. */
  readonly selector: string
  /** @param selector label matchers, or '' */
  readonly queries: (selector: string) => Omit<PrometheusQueries, 'counter'>
  readonly counter: string
}

/** Statuses from 400 on, in a label that holds the status. */
const failed = (label: string) => `${label}=~"[45].."`

/**
 * The metrics of each product, as its documentation names them:
 * - envoy: "HTTP connection manager, Statistics" (envoyproxy.io, configuration/http/http_conn_man/stats). The admin
 *   interface is a connection manager too. Times are in ms.
 * - kong: "Prometheus plugin" (developer.konghq.com/plugins/prometheus), Kong 3, with status_code_metrics and
 *   latency_metrics.
 * - traefik: "Metrics overview" (doc.traefik.io, observability/metrics/overview). The entry point `traefik` serves the
 *   API and these metrics.
 * - nginx-ingress: "Monitoring, exposed metrics" (kubernetes.github.io/ingress-nginx/user-guide/monitoring). The help
 *   text of the histogram says milliseconds; its values are seconds, as its name says.
 * - caddy: "Monitoring Caddy with Prometheus metrics" (caddyserver.com/docs/metrics). The counter has no status, and
 *   versions before 2.7 leave failed requests out of the histogram. So what is not in it with a good status has failed.
 * - haproxy: the built-in exporter (addons/promex/README). It has no histogram; its averages are those of the last 1,024
 *   requests of each backend. The average of the total time is not used: it contains what a client waits between two
 *   requests of a connection.
 * - istio: "Istio standard metrics" (istio.io, reference/config/metrics). Both proxies of a request report it; the
 *   reporter says which. Status 0 is a connection that broke.
 */
const DEFINITIONS = {
  envoy: {
    selector: 'envoy_http_conn_manager_prefix!="admin"',
    counter: 'envoy_http_downstream_rq_xx',
    queries: (selector) => ({
      requests: sumOfRates('envoy_http_downstream_rq_xx', selector),
      errors: sumOfRates('envoy_http_downstream_rq_xx', selector, 'envoy_response_code_class=~"4|5"'),
      ...histogramLatencies('envoy_http_downstream_rq_time', selector),
      latencyUnit: 'milliseconds',
    }),
  },
  kong: {
    selector: '',
    counter: 'kong_http_requests_total',
    queries: (selector) => ({
      requests: sumOfRates('kong_http_requests_total', selector),
      errors: sumOfRates('kong_http_requests_total', selector, failed('code')),
      ...histogramLatencies('kong_request_latency_ms', selector),
      latencyUnit: 'milliseconds',
    }),
  },
  traefik: {
    selector: 'entrypoint!="traefik"',
    counter: 'traefik_entrypoint_requests_total',
    queries: (selector) => ({
      requests: sumOfRates('traefik_entrypoint_requests_total', selector),
      errors: sumOfRates('traefik_entrypoint_requests_total', selector, failed('code')),
      ...histogramLatencies('traefik_entrypoint_request_duration_seconds', selector),
      latencyUnit: 'seconds',
    }),
  },
  'nginx-ingress': {
    selector: '',
    counter: 'nginx_ingress_controller_requests',
    queries: (selector) => ({
      requests: sumOfRates('nginx_ingress_controller_requests', selector),
      errors: sumOfRates('nginx_ingress_controller_requests', selector, failed('status')),
      ...histogramLatencies('nginx_ingress_controller_request_duration_seconds', selector),
      latencyUnit: 'seconds',
    }),
  },
  caddy: {
    selector: '',
    counter: 'caddy_http_requests_total',
    queries: (selector) => {
      const requests = sumOfRates('caddy_http_requests_total', selector)
      const good = sumOfRates('caddy_http_request_duration_seconds_count', selector, 'code=~"[123].."')
      return {
        requests,
        errors: `clamp_min(${requests} - (${good} or vector(0)), 0)`,
        ...histogramLatencies('caddy_http_request_duration_seconds', selector),
        latencyUnit: 'seconds',
      }
    },
  },
  haproxy: {
    selector: '',
    counter: 'haproxy_frontend_http_requests_total',
    queries: (selector) => {
      const backends = `rate(${selectorOf('haproxy_backend_http_requests_total', selector)}[$window])`
      const times = ['queue', 'connect', 'response'].map((phase) =>
        selectorOf(`haproxy_backend_${phase}_time_average_seconds`, selector),
      )
      return {
        requests: sumOfRates('haproxy_frontend_http_requests_total', selector),
        errors: sumOfRates('haproxy_frontend_http_responses_total', selector, 'code=~"4xx|5xx"'),
        avgLatency: `sum((${times.join(' + ')}) * ${backends}) / sum(${backends})`,
        latencyUnit: 'seconds',
      }
    },
  },
  istio: {
    selector: 'reporter="source",source_workload="istio-ingressgateway"',
    counter: 'istio_requests_total',
    queries: (selector) => ({
      requests: sumOfRates('istio_requests_total', selector),
      errors: sumOfRates('istio_requests_total', selector, 'response_code=~"0|[45].."'),
      ...histogramLatencies('istio_request_duration_milliseconds', selector),
      latencyUnit: 'milliseconds',
    }),
  },
} satisfies Record<string, Preset>

export type PrometheusPreset = keyof typeof DEFINITIONS

export const PRESETS = Object.keys(DEFINITIONS) as readonly PrometheusPreset[]

/**
 * The queries of a product.
 * @param selector label matchers in place of those of the preset; '' for those of the preset
 */
export function presetQueries(preset: PrometheusPreset, selector: string): PrometheusQueries {
  const definition: Preset = DEFINITIONS[preset]
  const matchers = selector || definition.selector
  return { ...definition.queries(matchers), counter: selectorOf(definition.counter, matchers) }
}
