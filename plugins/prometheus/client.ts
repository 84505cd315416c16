import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { withTimeLimit } from '../../db/with-time-limit.js'
import {
  labelsOf,
  minutesOf,
  scrapeSeconds,
  seriesOf,
  UnexpectedAnswer,
  type PrometheusMinute,
  type Series,
} from '../../formats/prometheus/minutes.js'
import { FIGURES, selectorOf, withWindow, type Figure } from '../../formats/prometheus/queries.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'
import type { PrometheusConfig } from '../config/prometheus.js'
import { readJson } from './read-json.js'

/** Why Prometheus gave no minutes, as the end of a sentence. */
export class PrometheusError extends Error {
  constructor(
    message: string,
    /** Another attempt may succeed. */
    readonly isTransient: boolean,
    /** The query asks for more than Prometheus loads at a time; a shorter range may succeed. */
    readonly isTooMuch = false,
  ) {
    super(message)
  }
}

/** Asks a Prometheus for the minutes of a gateway. */
export interface PrometheusClient {
  /**
   * The minutes of a range of at most 11,000 minutes.
   * @throws PrometheusError
   */
  minutes(fromMs: number, toMs: number, signal: AbortSignal): Promise<PrometheusMinute[]>
}

const ANSWER_LIMIT_MS = 30_000
const MAX_ATTEMPTS = 3
const FIRST_PAUSE_MS = 500

/** The window of a rate, until the interval of the scrapes is known: two samples, even with one scrape a minute. */
const DEFAULT_WINDOW_SECONDS = 120

/** How long a measured window holds. */
const WINDOW_HOLDS_MS = 3_600_000

export function createPrometheusClient(config: PrometheusConfig, now: () => number): PrometheusClient {
  const { queries } = config
  let window: { readonly seconds: number; readonly untilMs: number } | undefined

  const ask = async (path: string, parameters: Record<string, string>, signal: AbortSignal) => {
    const url = `${config.url}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`
    for (let attempt = 1; ; attempt++) {
      try {
        return await askOnce(url, await headersOf(config), signal)
      } catch (error) {
        signal.throwIfAborted()
        const isLast = attempt === MAX_ATTEMPTS
        if (isLast || !(error instanceof PrometheusError) || !error.isTransient) throw error
      }
      await delay(FIRST_PAUSE_MS * 2 ** (attempt - 1), undefined, { signal })
    }
  }

  /**
   * A rate needs two samples. In a window of a minute and the interval of the scrapes, the first and the last sample are
   * one minute apart, so it is the rate of one minute whatever the interval is.
   */
  const windowSeconds = async (signal: AbortSignal): Promise<number> => {
    if (config.windowSeconds !== null) return config.windowSeconds
    if (window && window.untilMs > now()) return window.seconds
    const interval = queries.counter === null ? undefined : await measureInterval(queries.counter, signal)
    if (interval === undefined) return DEFAULT_WINDOW_SECONDS
    window = { seconds: MINUTE_MS / 1000 + interval, untilMs: now() + WINDOW_HOLDS_MS }
    return window.seconds
  }

  const measureInterval = async (counter: string, signal: AbortSignal): Promise<number | undefined> => {
    const newest = await ask('query', { query: `topk(1, ${counter})` }, signal)
    const found = expected('requests', () => labelsOf(newest))
    if (found === undefined) return undefined
    const { __name__: name = '', ...labels } = found
    const matchers = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`)
    const query = `${selectorOf(name, ...matchers)}[20m]`
    const samples = await ask('query', { query }, signal)
    return expected('requests', () => scrapeSeconds(samples))
  }

  return {
    async minutes(fromMs, toMs, signal) {
      const seconds = await windowSeconds(signal)
      // Each expression is evaluated at the end of its minute.
      const range = { start: inSeconds(fromMs + MINUTE_MS), end: inSeconds(toMs), step: '60' }
      const series: { -readonly [F in Figure]?: Series } = {}
      for (const figure of FIGURES) {
        const query = queries[figure]
        if (query === undefined) continue
        const answer = await ask('query_range', { query: withWindow(query, seconds), ...range }, signal)
        series[figure] = expected(figure, () => seriesOf(answer))
        if (figure === 'requests' && series.requests!.size === 0) return []
      }
      const minutes = minutesOf({ ...series, requests: series.requests! }, queries.latencyUnit)
      return minutes.filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs && timeMs % MINUTE_MS === 0)
    },
  }
}

const inSeconds = (ms: number) => String(ms / 1000)

function expected<T>(figure: Figure, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof UnexpectedAnswer)) throw error
    throw new PrometheusError(`the answer to the query of ${figure} is unexpected: ${error.message}`, false)
  }
}

async function headersOf({ authorization, tokenFile }: PrometheusConfig): Promise<Record<string, string>> {
  if (tokenFile === null) return authorization === null ? {} : { authorization }
  const token = await readFile(tokenFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new PrometheusError(`PROMETHEUS_TOKEN_FILE cannot be read (${error.code})`, false)
  })
  return { authorization: `Bearer ${token.trim()}` }
}

async function askOnce(url: string, headers: Record<string, string>, signal: AbortSignal): Promise<unknown> {
  try {
    return await withTimeLimit(ANSWER_LIMIT_MS, signal, async (limited) => {
      const response = await fetch(url, { headers, signal: limited })
      const body = await readJson(response)
      if (response.ok) return body
      throw refusal(response.status, body)
    })
  } catch (error) {
    if (error instanceof PrometheusError) throw error
    throw new PrometheusError(reasonOf(error as Error), true)
  }
}

/** 422 is a query that cannot be executed (too many samples), 503 one that took too long or was cancelled. */
function refusal(status: number, body: unknown): PrometheusError {
  if (status === 401 || status === 403)
    return new PrometheusError(`it refuses the credentials (${status})`, false)
  const { error } = (typeof body === 'object' && body !== null ? body : {}) as { error?: unknown }
  const text = typeof error === 'string' ? `: ${error.replace(/\s+/g, ' ').slice(0, 200)}` : ''
  const isTooMuch = status === 422 || status === 503
  return new PrometheusError(`it answered ${status}${text}`, status >= 500 || status === 429, isTooMuch)
}

/** In words that name no address. */
function reasonOf(error: Error): string {
  if (error.name === 'TimeoutError') return `no answer within ${ANSWER_LIMIT_MS / 1000} s`
  const cause = error.cause as NodeJS.ErrnoException | undefined
  return cause?.code ?? error.message.slice(0, 200)
}
