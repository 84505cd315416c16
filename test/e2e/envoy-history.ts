import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../models/traffic/durations.js'

/** Bounds of the histogram in ms, with the share of the requests up to each. */
const BUCKETS = [
  ['10', 0.3],
  ['25', 0.6],
  ['50', 0.85],
  ['100', 0.95],
  ['250', 0.99],
  ['500', 1],
  ['+Inf', 1],
] as const

/** What the history holds. */
export const LATENCIES = { avgLatency: 38, p95Latency: 100, p99Latency: 250 }

const ERROR_SHARE = 0.02
const SCRAPE_MS = 30_000

/** Days of traffic of an Envoy that is scraped every 30 seconds, right before the half and the full minute. */
export class EnvoyHistory {
  readonly fromMs: number
  /** An hour from now, so that there is always a present. */
  readonly toMs: number
  /** The counters begin again after this minute. */
  readonly restartMs: number
  /** Half an hour without scrapes. */
  readonly gap: { readonly fromMs: number; readonly toMs: number }

  constructor(nowMs: number, days: number) {
    this.toMs = Math.floor(nowMs / HOUR_MS) * HOUR_MS + 2 * HOUR_MS
    this.fromMs = this.toMs - days * DAY_MS
    this.restartMs = this.fromMs + 20 * HOUR_MS
    this.gap = { fromMs: this.fromMs + 30 * HOUR_MS, toMs: this.fromMs + 30.5 * HOUR_MS }
  }

  /** Requests of the minute that begins then. */
  requests(minuteMs: number): number {
    const minute = minuteMs / MINUTE_MS
    const rhythm = 1 + 0.5 * Math.sin((2 * Math.PI * (minute % 1440)) / 1440)
    return Math.round(1200 * rhythm * (1 + 0.04 * (((minute * 7919) % 101) / 50 - 1)))
  }

  /** Whether the method can tell about a minute: it has samples at both of its ends, of one life of the counters. */
  isKnown(minuteMs: number): boolean {
    const near = (fromMs: number, toMs: number) =>
      minuteMs >= fromMs - MINUTE_MS && minuteMs < toMs + 2 * MINUTE_MS
    const isEdge = minuteMs < this.fromMs + 2 * MINUTE_MS
    return !isEdge && !near(this.gap.fromMs, this.gap.toMs) && !near(this.restartMs, this.restartMs)
  }

  *lines(): Generator<string> {
    const samples = [...this.samples()]
    const series = (labels: string, share: number) =>
      samples.map(({ timeMs, total }) => `${labels} ${(total * share).toFixed(3)} ${timeMs / 1000}`)
    const own = 'envoy_http_conn_manager_prefix="ingress_http",instance="envoy:9901"'
    const requests = (status: string) =>
      `envoy_http_downstream_rq_xx{envoy_response_code_class="${status}",${own}}`
    const time = 'envoy_http_downstream_rq_time'
    yield* series(requests('2'), 1 - ERROR_SHARE)
    yield* series(requests('5'), ERROR_SHARE)
    yield* series(requests('5').replace('ingress_http', 'admin'), 10)
    for (const [bound, share] of BUCKETS) yield* series(`${time}_bucket{${own},le="${bound}"}`, share)
    yield* series(`${time}_sum{${own}}`, LATENCIES.avgLatency)
    yield* series(`${time}_count{${own}}`, 1)
  }

  private *samples(): Generator<{ timeMs: number; total: number }> {
    let total = 5000
    for (let minuteMs = this.fromMs; minuteMs < this.toMs; minuteMs += MINUTE_MS) {
      if (minuteMs === this.restartMs) total = 0
      for (let atMs = SCRAPE_MS; atMs <= MINUTE_MS; atMs += SCRAPE_MS) {
        total += (this.requests(minuteMs) * SCRAPE_MS) / MINUTE_MS
        const isSilent = minuteMs >= this.gap.fromMs && minuteMs < this.gap.toMs
        if (!isSilent) yield { timeMs: minuteMs + atMs - 100, total }
      }
    }
  }
}

export const ENVOY_ERROR_SHARE = ERROR_SHARE
