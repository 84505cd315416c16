import type { Registry } from 'prom-client'
import { MINUTE_MS } from '../../models/traffic/durations.js'
import { register } from './counted.js'

/** What was last judged of the gateway or of a source. Rates are in requests per second. */
export interface JudgedRate {
  readonly actual: number
  readonly expected: number
  readonly lower: number
  readonly upper: number
  /** 0…1: anomalous from 0.5 on. */
  readonly score: number
}

/** Shown at a time. */
export const MAX_SHOWN = 20

/** Sources that are known. Of more, the least busy half is forgotten. */
const MAX_KNOWN = 1_000

/** A source that has not reported for so long is not shown. */
const MAX_AGE_MS = 10 * MINUTE_MS

/** A source that is shown stays until another one is busier by this factor: series that come and go are of no use. */
const STAYS = 2

/** A label is no longer than this. */
const MAX_LABEL_LENGTH = 100

/** The last verdicts on sources. Only the busiest of them are shown, so that sources cannot fill a Prometheus. */
export class BusiestSources<T> {
  readonly #known = new Map<string, { readonly atMs: number; readonly value: T }>()
  #shown: ReadonlySet<string> = new Set()

  /** @param rateOf what is shown of a value */
  constructor(private readonly rateOf: (value: T) => JudgedRate) {}

  set(source: string, value: T, nowMs: number): void {
    this.#known.set(source, { atMs: nowMs, value })
    if (this.#known.size > MAX_KNOWN) this.#forget(nowMs)
  }

  /** The busiest sources, by a label that each has for itself. */
  shown(nowMs: number): ReadonlyMap<string, JudgedRate> {
    const busiest = this.#ranked(nowMs).slice(0, MAX_SHOWN)
    this.#shown = new Set(busiest.map(({ source }) => source))
    const labelled = new Map<string, JudgedRate>()
    for (const { source, rate } of busiest) {
      const label = labelOf(source)
      if (!labelled.has(label)) labelled.set(label, rate)
    }
    return labelled
  }

  clear(): void {
    this.#known.clear()
  }

  #forget(nowMs: number): void {
    const kept = new Set(
      this.#ranked(nowMs)
        .slice(0, MAX_KNOWN / 2)
        .map(({ source }) => source),
    )
    for (const source of this.#known.keys()) if (!kept.has(source)) this.#known.delete(source)
  }

  #ranked(nowMs: number) {
    const recent: { source: string; rate: JudgedRate; rank: number }[] = []
    for (const [source, { atMs, value }] of this.#known) {
      if (nowMs - atMs > MAX_AGE_MS) continue
      const rate = this.rateOf(value)
      recent.push({ source, rate, rank: rate.actual * (this.#shown.has(source) ? STAYS : 1) })
    }
    return recent.sort((a, b) => b.rank - a.rank || (a.source < b.source ? -1 : 1))
  }
}

/** The name of a source as a label: well-formed, of one line, and not too long. */
export function labelOf(source: string): string {
  const cleaned = Buffer.from(source)
    .toString()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ')
  const signs = [...cleaned]
  return signs.length > MAX_LABEL_LENGTH ? `${signs.slice(0, MAX_LABEL_LENGTH - 1).join('')}…` : cleaned
}

export interface ShownSeries {
  /** Null on a replica that does not watch the gateway. */
  gateway(): JudgedRate | null
  sources(): ReadonlyMap<string, JudgedRate>
}

const FIGURES: readonly { name: string; help: string; of: (rate: JudgedRate) => number }[] = [
  {
    name: 'aegis_ml_series_requests_per_second',
    help: 'Requests per second of the gateway, and of the busiest sources, in the last minute that was judged.',
    of: ({ actual }) => actual,
  },
  {
    name: 'aegis_ml_series_expected_requests_per_second',
    help: 'Requests per second that were expected in that minute.',
    of: ({ expected }) => expected,
  },
  {
    name: 'aegis_ml_series_lower_requests_per_second',
    help: 'Lower end of the band of requests per second that are normal in that minute.',
    of: ({ lower }) => lower,
  },
  {
    name: 'aegis_ml_series_upper_requests_per_second',
    help: 'Upper end of the band of requests per second that are normal in that minute.',
    of: ({ upper }) => upper,
  },
  {
    name: 'aegis_ml_series_anomaly_score',
    help: 'Strength of the verdict on that minute, from 0 to 1. It is anomalous from 0.5 on.',
    of: ({ score }) => score,
  },
]

export function registerJudgedSeries(registry: Registry, shown: ShownSeries): void {
  for (const { name, help, of } of FIGURES) {
    register(registry, {
      ...{ name, help, type: 'gauge' },
      *samples() {
        const gateway = shown.gateway()
        if (gateway !== null) yield { labels: { series: 'gateway' }, value: of(gateway) }
        for (const [source, rate] of shown.sources()) {
          yield { labels: { series: 'source', source }, value: of(rate) }
        }
      },
    })
  }
}
