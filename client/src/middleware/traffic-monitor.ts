import type { ServerResponse } from 'node:http'
import type { Metrics } from '../ml-service-client.js'
import { AlignedIntervals, SYSTEM_CLOCK, type Clock } from './aligned-intervals.js'
import { IntervalCounter, type Interval } from './interval-counter.js'
import { outcomeOf, type ObservedRequest } from './observed-request.js'
import type { GatewayRequest, Settings } from './options.js'
import { recordedRequest } from './recorded-request.js'
import { Recorder } from './recorder.js'
import { Reporter, type Judged } from './reporter.js'
import { ServiceLink } from './service-link.js'

/** The core of all adapters: counts requests, reports each interval and, if enabled, records the requests. */
export class TrafficMonitor {
  readonly #counter = new IntervalCounter()
  readonly #link: ServiceLink
  readonly #reporter: Reporter
  readonly #recorder: Recorder | null
  readonly #intervals: AlignedIntervals
  #closing: Promise<void> | undefined
  #hasWarned = false

  constructor(
    private readonly settings: Settings,
    private readonly clock: Clock = SYSTEM_CLOCK,
  ) {
    const { api, intervalMs, log, record, source } = settings
    this.#link = new ServiceLink(log, clock)
    this.#reporter = new Reporter(settings, this.#link, clock)
    this.#recorder = record && new Recorder(api, source, this.#link, log)
    this.#intervals = new AlignedIntervals(intervalMs, clock, (interval) => {
      this.#reporter.report(this.#metricsOf(interval))
    })
  }

  /** The newest judged interval and its verdict. */
  get judged(): Judged | null {
    return this.#reporter.last
  }

  get isReachable(): boolean | null {
    return this.#link.isReachable
  }

  /**
   * Counts a request when its response ends or its connection closes, unless its path is excluded.
   *
   * @param request the request of the framework, if it has its own
   */
  observe(request: GatewayRequest, response: ServerResponse): void {
    if (this.#closing !== undefined || this.settings.isExcluded(request)) return
    const address = this.#recorder ? (request.ip ?? response.socket?.remoteAddress) : undefined
    const beganMs = this.clock.monotonicMs()
    // A closure instead of a property: adding a property to a response of Express takes microseconds.
    response.on('close', () => this.#end({ beganMs, request, address }, response))
  }

  /** Counts a request that has ended. */
  count(status: number, latencyMs: number | null): void {
    this.#counter.add(status, latencyMs)
  }

  /** Reports the current interval and stops. Resolves within the time limit of the client and never rejects. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const interval = this.#intervals.close()
    const last = interval ? this.#metricsOf(interval) : null
    await Promise.all([this.#reporter.close(last), this.#recorder?.close()])
  }

  #metricsOf(interval: Interval): Metrics {
    return this.#counter.take(interval, this.settings.source, this.settings.minRequests)
  }

  #end(observed: ObservedRequest, response: ServerResponse): void {
    if (this.#closing !== undefined) return
    const durationMs = this.clock.monotonicMs() - observed.beganMs
    const { status, isEventStream } = outcomeOf(response, durationMs)
    this.count(status, isEventStream ? null : durationMs)
    if (this.#recorder) this.#record(this.#recorder, observed, status, durationMs, isEventStream)
  }

  #record(
    recorder: Recorder,
    observed: ObservedRequest,
    status: number,
    durationMs: number,
    isEventStream: boolean,
  ): void {
    const { log, record } = this.settings
    try {
      const cameMs = this.clock.wallMs() - durationMs
      const latencyMs = isEventStream ? null : durationMs
      recorder.add(recordedRequest(observed, status, cameMs, latencyMs, record!))
    } catch (error) {
      if (!this.#hasWarned) log.warn(`Requests are not recorded, because userId failed (${String(error)}).`)
      this.#hasWarned = true
    }
  }
}
