import { changed, type Change } from './change.js'
import { logAt, shareAbove } from './latency-shape.js'
import type { Condition } from './minutes.js'

/** Minimum deviation of an incident over all its minutes, in standard deviations. */
const MIN_SD = 8

/** Standard normal scores of the percentiles. */
const Z = { p95: 1.645, p99: 2.326 }

/**
 * True if an observer who knows the usual values exactly can see the incident in its requests: each affected kind
 * deviates by at least eight standard deviations over all minutes. With three requests, a drop by half is not visible.
 *
 * @param usual the condition of each minute without the incident
 * @param share of the traffic that is seen
 */
export function isProvable(change: Change, usual: (minute: number) => Condition, share: number): boolean {
  let [n, usualN, errors, usualErrors, slow, usualSlow, logSd, step] = [0, 0, 0, 0, 0, 0, 1, 0]
  for (let minute = change.start; minute < change.end; minute++) {
    const before = usual(minute)
    const after = changed(before, change, minute)
    const requests = share * after.requestsPerMinute
    n += requests
    usualN += share * before.requestsPerMinute
    errors += requests * after.errorShare
    usualErrors += requests * before.errorShare
    if (change.tail) {
      const line = logAt(before.shape, Z[change.tail.of])
      slow += requests * shareAbove(after.shape, line)
      usualSlow += requests * shareAbove(before.shape, line)
    }
    logSd = before.shape.logSd
    step = Math.log(after.medianMs / before.medianMs)
  }
  const proofs = [
    change.traffic === 1 ? Infinity : rootDeviance(n, usualN),
    change.errors === 0 ? Infinity : rootDeviance(errors, usualErrors),
    change.latency === 1 ? Infinity : (step * Math.sqrt(n)) / logSd,
    change.tail === null ? Infinity : rootDeviance(slow, usualSlow),
  ]
  return Math.min(...proofs) >= MIN_SD
}

/** Root of the Poisson deviance of a count whose mean should be mu. */
function rootDeviance(count: number, mu: number): number {
  return Math.sqrt(Math.max(0, 2 * ((count > 0 ? count * Math.log(count / mu) : 0) - (count - mu))))
}
