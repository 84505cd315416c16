import { ArrivalCurves } from '../arrival-curve.js'
import { FIRST_LENGTH, grown } from '../growing-array.js'
import { MINUTE_MS } from '../../traffic/durations.js'
import type { ClientHours } from './activity.js'
import type { ClientCurves } from './burst.js'

/** What is open of a client: its present minute and the cost in it. */
const OPEN = 2

/**
 * The costs of the requests beside a {@link ClientActivity}, by the same rows. 24 bytes for each row, and 16 × rates
 * for each client.
 *
 * A limit by cost is learned by the code that learns a limit by requests. Requests are counted in average ones for that:
 * a request that costs twice the mean counts as two. So what the code takes for few or many requests stays meaningful.
 */
export class ClientCosts {
  readonly #limits: readonly number[]
  readonly #meanWeight: number
  readonly #curves: ArrivalCurves
  /** [nClients, 2] */
  #open = new Float64Array(FIRST_LENGTH * OPEN)
  #total = new Float64Array(FIRST_LENGTH)
  #busiestMinute = new Float64Array(FIRST_LENGTH)
  #errors = new Float64Array(FIRST_LENGTH)

  /**
   * @param limits rates of the arrival curves, average requests a minute
   * @param meanWeight what an average request costs, a whole number from 1
   */
  constructor(limits: readonly number[], meanWeight: number) {
    this.#limits = limits
    this.#meanWeight = meanWeight
    this.#curves = new ArrivalCurves(
      limits.map((limit) => limit * meanWeight),
      MINUTE_MS,
    )
  }

  /**
   * Takes in a request.
   * @param row of the activity, in which it is counted
   * @param cost a whole number from 1
   */
  add(client: number, row: number, timeMs: number, cost: number, isError: boolean): void {
    this.#curves.add(client, timeMs, cost)
    this.#total = grown(this.#total, row + 1)
    this.#busiestMinute = grown(this.#busiestMinute, row + 1)
    this.#errors = grown(this.#errors, row + 1)
    this.#open = grown(this.#open, (client + 1) * OPEN)
    this.#total[row]! += cost
    if (isError) this.#errors[row]! += cost
    const minute = Math.floor(timeMs / MINUTE_MS)
    const at = client * OPEN
    if (this.#open[at] !== minute) {
      this.#open[at] = minute
      this.#open[at + 1] = 0
    }
    const inMinute = (this.#open[at + 1]! += cost)
    if (inMinute > this.#busiestMinute[row]!) this.#busiestMinute[row] = inMinute
  }

  /** The rows of the activity, in average requests. */
  hours(hours: ClientHours): ClientHours {
    const inAverage = (costs: Float64Array) => costs.map((cost) => cost / this.#meanWeight)
    return {
      ...hours,
      requests: inAverage(this.#total),
      busiestMinute: inAverage(this.#busiestMinute),
      errors: inAverage(this.#errors),
    }
  }

  /** The arrival curves, in average requests. */
  curves(): ClientCurves {
    const sigma = (client: number, k: number) => this.#curves.sigma(client, k) / this.#meanWeight
    return { limits: this.#limits, curves: { sigma } }
  }
}
