import type { CallOptions } from '../client.js'
import type { Metrics, Verdict } from '../ml-service-client.js'
import { pause, withRetries } from '../retry.js'
import type { Clock } from './aligned-intervals.js'
import type { ResolvedAlarm, Settings } from './options.js'
import type { ServiceLink } from './service-link.js'

/** The newest judged interval and its verdict. */
export interface Judged {
  readonly verdict: Verdict
  readonly metrics: Metrics
}

const MAX_IN_FLIGHT = 3

/** Longer delays than for other calls: nobody waits, and a restart of the service takes seconds. */
const RETRY = { attempts: 3, delayMs: 2_000 }

const PURPOSE = 'Judging traffic'

/** Sends intervals to the service for judgement. Failures never affect the gateway. */
export class Reporter {
  readonly #calls = new Map<AbortController, Promise<void>>()
  #sent = 0
  #newestJudged = 0
  #last: Judged | null = null
  /** The alarm that onAnomaly was called for and that goes on. */
  #alarm: ResolvedAlarm | null = null

  constructor(
    private readonly settings: Settings,
    private readonly link: ServiceLink,
    private readonly clock: Clock,
  ) {}

  get last(): Judged | null {
    return this.#last
  }

  /** Drops the interval when too many calls are in progress, or the service refuses the key. */
  report(metrics: Metrics): void {
    if (this.#calls.size >= MAX_IN_FLIGHT || this.link.rests) return this.link.unjudged()
    void this.#begin(metrics, RETRY.attempts)
  }

  /** Sends the last interval once, then aborts all other calls. */
  async close(metrics: Metrics | null): Promise<void> {
    if (metrics) await this.#begin(metrics, 1)
    for (const call of this.#calls.keys()) call.abort()
    await Promise.all(this.#calls.values())
  }

  #begin(metrics: Metrics, attempts: number): Promise<void> {
    const call = new AbortController()
    const done = this.#judge(metrics, attempts, call.signal).finally(() => this.#calls.delete(call))
    this.#calls.set(call, done)
    return done
  }

  async #judge(metrics: Metrics, attempts: number, signal: AbortSignal): Promise<void> {
    const number = ++this.#sent
    const options: CallOptions = { signal, retry: { attempts: 1 } }
    const detect = async () => this.settings.api().detect(metrics, options)
    let verdict: Verdict
    try {
      const wait = (ms: number) => pause(ms, signal, this.clock.after)
      verdict = await withRetries(detect, { ...RETRY, attempts }, true, signal, wait)
    } catch (error) {
      this.link.unjudged()
      if (!signal.aborted) this.link.failed(PURPOSE, error)
      return
    }
    this.link.answered(PURPOSE)
    const isNewest = number > this.#newestJudged
    if (isNewest) {
      this.#newestJudged = number
      this.#last = { verdict, metrics }
    }
    if (verdict.normalized_score >= this.settings.alertThreshold) this.#alert(verdict, metrics)
    else if (isNewest) this.#follow(verdict, metrics)
  }

  #alert(verdict: Verdict, metrics: Metrics): void {
    const { incidentId = null, since = verdict.timestamp } = this.#alarm ?? {}
    this.#alarm = { incidentId: verdict.incident_id ?? incidentId, since }
    void this.#call('onAnomaly', () => this.settings.onAnomaly(verdict, metrics))
  }

  /** An alarm is over when a report is normal and in no alarm. */
  #follow(verdict: Verdict, metrics: Metrics): void {
    const { anomaly, alarm_since = null, incident_id } = verdict
    if (this.#alarm === null) return
    const alarm = { ...this.#alarm, incidentId: incident_id ?? this.#alarm.incidentId }
    const isOver = !anomaly && alarm_since === null
    this.#alarm = isOver ? null : alarm
    if (isOver) void this.#call('onResolved', () => this.settings.onResolved(alarm, verdict, metrics))
  }

  async #call(name: string, call: () => unknown): Promise<void> {
    try {
      await call()
    } catch (error) {
      this.settings.log.warn(`${name} failed: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}
