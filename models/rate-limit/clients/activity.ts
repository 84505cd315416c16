import { ArrivalCurves } from '../arrival-curve.js'
import { FIRST_LENGTH, grown } from '../growing-array.js'
import { HOUR_MS, MINUTE_MS } from '../../traffic/durations.js'

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
}

/** What is open of a client: its hour's row, and its present minute with its count. */
const OPEN = 3

/**
 * Boils the requests of an endpoint down to what a limit of its clients needs, in one pass in order of time: rows of
 * client and hour, and the arrival curves at some rates. 16 bytes for each row, and 32 + 16 × rates for each client;
 * up to twice that where arrays have just grown.
 */
export class ClientActivity {
  readonly curves: ArrivalCurves
  /** [nClients, 3]: row + 1, minute, its count. */
  #open = new Float64Array(FIRST_LENGTH * OPEN)
  #client = new Uint32Array(FIRST_LENGTH)
  #hour = new Uint32Array(FIRST_LENGTH)
  #requests = new Uint32Array(FIRST_LENGTH)
  #busiestMinute = new Uint32Array(FIRST_LENGTH)
  #length = 0

  /** @param limits rates of the arrival curves, requests a minute */
  constructor(limits: readonly number[]) {
    this.curves = new ArrivalCurves(limits, MINUTE_MS)
  }

  /**
   * Takes in a request.
   * @param client a small whole number from 0, of the caller's making
   * @param timeMs whole milliseconds since 1970, not before the client's last one
   */
  add(client: number, timeMs: number): void {
    this.curves.add(client, timeMs)
    this.#open = grown(this.#open, (client + 1) * OPEN)
    const open = this.#open
    const first = client * OPEN
    const hour = Math.floor(timeMs / HOUR_MS)
    let row = open[first]! - 1
    if (row < 0 || this.#hour[row] !== hour) {
      row = this.#addRow(client, hour)
      open[first] = row + 1
    }
    this.#requests[row]!++
    const inMinute = countOf(open, first + 1, Math.floor(timeMs / MINUTE_MS))
    if (inMinute > this.#busiestMinute[row]!) this.#busiestMinute[row] = inMinute
  }

  /** The rows so far; they change when more is added. */
  hours(): ClientHours {
    return {
      length: this.#length,
      client: this.#client,
      hour: this.#hour,
      requests: this.#requests,
      busiestMinute: this.#busiestMinute,
    }
  }

  #addRow(client: number, hour: number): number {
    const row = this.#length++
    this.#client = grown(this.#client, this.#length)
    this.#hour = grown(this.#hour, this.#length)
    this.#requests = grown(this.#requests, this.#length)
    this.#busiestMinute = grown(this.#busiestMinute, this.#length)
    this.#client[row] = client
    this.#hour[row] = hour
    return row
  }
}

/** Counts in the open period at `place`, which begins anew when the period is another. */
function countOf(open: Float64Array, place: number, period: number): number {
  if (open[place] !== period) {
    open[place] = period
    open[place + 1] = 0
  }
  return ++open[place + 1]!
}
