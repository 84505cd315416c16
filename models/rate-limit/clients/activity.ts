import { ArrivalCurves } from '../arrival-curve.js'
import { FIRST_LENGTH, grown } from '../growing-array.js'
import { DistinctCounts } from '../../statistics/distinct-counts.js'
import { WideDistinctCounts } from '../../statistics/wide-distinct-counts.js'
import { HOUR_MS, MINUTE_MS } from '../../traffic/durations.js'
import { isError, isFailure } from '../../traffic/failure-status.js'

/** What clients did in the hours in which they did anything; a row for a client and an hour, in columns. */
export interface ClientHours {
  /** Rows. */
  readonly length: number
  /** Index of the client. */
  readonly client: ArrayLike<number>
  /** Hours since 1970. */
  readonly hour: ArrayLike<number>
  readonly requests: ArrayLike<number>
  /** Requests in the busiest minute of the hour. */
  readonly busiestMinute: ArrayLike<number>
  /** Minutes with requests, and runs of such minutes. */
  readonly activeMinutes: ArrayLike<number>
  readonly runs: ArrayLike<number>
  /** Runs that begin as long after the run before as that one did after its own, within a quarter. */
  readonly periodicRuns: ArrayLike<number>
  /** Responses that are errors; see isError. */
  readonly errors: ArrayLike<number>
  /** Responses 401, 403 and 404 in the minute with the most of them. */
  readonly busiestFailures: ArrayLike<number>
  /** Different paths, rounded; 0 where paths are not known. */
  readonly distinctPaths: ArrayLike<number>
}

/** How many different things each client asked for, by client; estimates. */
export interface PathCounts {
  /** Paths without and with query string, and endpoints. */
  readonly paths: (client: number) => number
  readonly targets: (client: number) => number
  readonly endpoints: (client: number) => number
  /** Requests for each path with its query string, on average. */
  readonly repeats: (client: number) => number
}

/** What is known of a request beside its client and time. */
export interface RequestFacts {
  /** 0 where it is not known. */
  readonly status: number
  /** Hashes of the path without and with its query string; see hashPath. Undefined where they are not known. */
  readonly path: number | undefined
  readonly target: number | undefined
  /** A small whole number that stands for the endpoint. */
  readonly endpoint: number
}

const UNKNOWN: RequestFacts = { status: 0, path: undefined, target: undefined, endpoint: 0 }

/**
 * What is open of a client: its hour's row, its present minute with its count, and with its failures; when its present
 * run of active minutes began, and how long after the one before.
 */
const OPEN = 6
const MAX_PERIOD_RATIO = 1.25
const COLUMNS = [
  ...(['client', 'hour', 'requests', 'busiestMinute', 'activeMinutes', 'runs', 'periodicRuns'] as const),
  ...(['errors', 'busiestFailures', 'distinctPaths'] as const),
]
type Columns = Record<(typeof COLUMNS)[number], Uint32Array>

/** Bits of a client's paths of an hour, of its paths ever, and of its endpoints. */
const BITS = { hour: 512, paths: 512, endpoints: 64 }

/**
 * Boils the requests of an endpoint down to what a limit of its clients needs, in one pass in order of time: rows of
 * client and hour, the arrival curves at some rates, and how many paths a client asks for. 40 bytes for each row, and
 * 200 + 16 × rates for each client; up to twice that where arrays have just grown.
 */
export class ClientActivity {
  readonly curves: ArrivalCurves
  /** Different paths without and with query string, and endpoints, of each client over the whole time. */
  readonly #paths = new DistinctCounts(BITS.paths)
  readonly #targets = new WideDistinctCounts()
  /** Requests of each client whose targets are known. */
  #withTarget = new Uint32Array(FIRST_LENGTH)
  readonly #endpoints = new DistinctCounts(BITS.endpoints)
  readonly #hourPaths = new DistinctCounts(BITS.hour)
  /** [nClients, 6]: row + 1, minute, its count, its failures, beginning of the run, interval. */
  #open = new Float64Array(FIRST_LENGTH * OPEN)
  readonly #columns = Object.fromEntries(
    COLUMNS.map((name) => [name, new Uint32Array(FIRST_LENGTH)]),
  ) as Columns
  #length = 0
  #knowsPaths = false

  /** @param limits rates of the arrival curves, requests a minute */
  constructor(limits: readonly number[]) {
    this.curves = new ArrivalCurves(limits, MINUTE_MS)
  }

  /** How many paths each client asked for; null where paths were not known. */
  pathCounts(): PathCounts | null {
    if (!this.#knowsPaths) return null
    return {
      paths: (client) => this.#paths.estimate(client),
      targets: (client) => this.#targets.estimate(client),
      endpoints: (client) => this.#endpoints.estimate(client),
      repeats: (client) => this.#withTarget[client]! / this.#targets.estimate(client),
    }
  }

  /**
   * Takes in a request.
   * @param client a small whole number from 0, of the caller's making
   * @param timeMs whole milliseconds since 1970, not before the client's last one
   * @returns the row in which it is counted
   */
  add(client: number, timeMs: number, facts: RequestFacts = UNKNOWN): number {
    this.curves.add(client, timeMs)
    this.#open = grown(this.#open, (client + 1) * OPEN)
    const row = this.#rowOf(client, Math.floor(timeMs / HOUR_MS))
    this.#columns.requests[row]!++
    this.#countMinute(client, row, timeMs, isFailure(facts.status))
    if (isError(facts.status)) this.#columns.errors[row]!++
    if (facts.path !== undefined) this.#countPath(client, row, facts)
    return row
  }

  /** The rows so far; they change when more is added. */
  hours(): ClientHours {
    return { length: this.#length, ...this.#columns }
  }

  #rowOf(client: number, hour: number): number {
    const open = client * OPEN
    const row = this.#open[open]! - 1
    if (row >= 0 && this.#columns.hour[row] === hour) return row
    this.#hourPaths.clear(client)
    const next = this.#length++
    for (const name of COLUMNS) this.#columns[name] = grown(this.#columns[name], this.#length)
    this.#columns.client[next] = client
    this.#columns.hour[next] = hour
    this.#open[open] = next + 1
    return next
  }

  #countMinute(client: number, row: number, timeMs: number, failed: boolean): void {
    const minute = Math.floor(timeMs / MINUTE_MS)
    const columns = this.#columns
    const open = this.#open
    const at = client * OPEN + 1
    if (open[at] !== minute) {
      columns.activeMinutes[row]!++
      if (open[at] !== minute - 1) this.#beginRun(client, row, timeMs)
      open[at] = minute
      open[at + 1] = 0
      open[at + 2] = 0
    }
    const inMinute = ++open[at + 1]!
    if (inMinute > columns.busiestMinute[row]!) columns.busiestMinute[row] = inMinute
    if (!failed) return
    const failures = ++open[at + 2]!
    if (failures > columns.busiestFailures[row]!) columns.busiestFailures[row] = failures
  }

  #beginRun(client: number, row: number, timeMs: number): void {
    const open = this.#open
    const at = client * OPEN + 4
    const interval = open[at] === 0 ? 0 : timeMs - open[at]!
    const before = open[at + 1]!
    this.#columns.runs[row]!++
    if (before > 0 && interval <= MAX_PERIOD_RATIO * before && before <= MAX_PERIOD_RATIO * interval) {
      this.#columns.periodicRuns[row]!++
    }
    open[at] = timeMs
    open[at + 1] = interval
  }

  #countPath(client: number, row: number, { path, target, endpoint }: RequestFacts): void {
    this.#knowsPaths = true
    this.#paths.add(client, path!)
    this.#targets.add(client, target ?? path!)
    this.#withTarget = grown(this.#withTarget, client + 1)
    this.#withTarget[client]!++
    // Small numbers, spread over all bits.
    this.#endpoints.add(client, Math.imul(endpoint, 0x9e3779b1) >>> 16)
    if (this.#hourPaths.add(client, path!)) {
      this.#columns.distinctPaths[row] = Math.round(this.#hourPaths.estimate(client))
    }
  }
}
