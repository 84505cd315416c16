import type { Kind } from '../../models/anomaly/kinds.js'
import { withTail, type LatencyShape, type Tail } from './latency-shape.js'
import type { Condition } from './minutes.js'

/** A change of the condition of a gateway between two minutes, as factors. */
export interface Change {
  readonly name: string
  /** First minute, and the first after it; minutes since the start of the history. */
  readonly start: number
  readonly end: number
  readonly traffic: number
  readonly latency: number
  readonly tail: Tail | null
  /** Share that is added. */
  readonly errors: number
  /** Minutes in which it sets in, and in which it fades before the end. */
  readonly ramp: number
}

export const NO_CHANGE = { traffic: 1, latency: 1, tail: null, errors: 0, ramp: 0 } as const

/** The kinds that a change affects. */
export function kindsOf({ traffic, latency, tail, errors }: Change): Kind[] {
  const kinds: (Kind | null)[] = [
    traffic > 1 ? 'traffic_spike' : null,
    traffic < 1 ? 'traffic_drop' : null,
    latency > 1 || tail ? 'latency_spike' : null,
    errors > 0 ? 'error_rate_spike' : null,
  ]
  return kinds.filter((kind) => kind !== null)
}

const tails = new WeakMap<Change, LatencyShape>()

/** The condition of a minute within a change. */
export function changed(condition: Condition, change: Change, minute: number): Condition {
  if (minute < change.start || minute >= change.end) return condition
  const { traffic, latency, tail, errors, ramp, start, end } = change
  const weight = ramp === 0 ? 1 : Math.min(1, (minute - start) / ramp, (end - minute) / ramp)
  let shape = condition.shape
  if (tail) {
    shape = tails.get(change) ?? withTail(shape, tail)
    tails.set(change, shape)
  }
  return {
    requestsPerMinute: condition.requestsPerMinute * (1 + weight * (traffic - 1)),
    medianMs: condition.medianMs * latency ** weight,
    errorShare: condition.errorShare + weight * errors,
    shape,
  }
}

/** The change in words. */
export function describe({ name, start, end, traffic, latency, tail, errors }: Change): string {
  const parts = [
    traffic === 1 ? '' : `traffic ×${traffic.toFixed(2)}`,
    latency === 1 ? '' : `latency ×${latency.toFixed(2)}`,
    tail ? `${tail.of} and slower ×${tail.factor.toFixed(2)}` : '',
    errors === 0 ? '' : `errors +${(100 * errors).toFixed(1)} points`,
  ]
  return `${name}: ${parts.filter((part) => part !== '').join(', ')}, ${end - start} min`
}
