import { upperTail } from '../statistics/normal-tail.js'

/** Latencies of an endpoint in ms; null where not known. */
export interface Latencies {
  readonly avg: number | null
  readonly p95: number | null
  readonly p99: number | null
}

/** A part of a mixture: so many requests with log-normal latencies, ln ℓ ~ N(mu, sigma²). */
interface LogNormal {
  readonly requests: number
  readonly mu: number
  readonly sigma: number
}

/** Standard normal scores of the percentiles. */
const Z = { p95: 1.645, p99: 2.326 }

/** Sigma where only one latency is known, and bounds. */
const USUAL_SIGMA = 0.6
const SIGMA = { min: 0.05, max: 3 }

const BISECTIONS = 24

/**
 * The latency that a share of the requests of several endpoints exceed. Each endpoint's latencies are taken as log-normal
 * through its p95 and p99, or its average.
 *
 * @param parts those without a known latency or without requests are left out
 * @param share above 0, below 1
 * @returns ms; NaN without any part. O(n)
 */
export function mixtureQuantile(
  parts: readonly { readonly requests: number; readonly latencies: Latencies }[],
  share: number,
): number {
  const known = parts.flatMap(({ requests, latencies }) => logNormalOf(requests, latencies) ?? [])
  const n = known.reduce((sum, { requests }) => sum + requests, 0)
  if (n === 0) return NaN
  const most = (of: (part: LogNormal) => number) =>
    known.reduce((max, part) => Math.max(max, of(part)), -Infinity)
  let low = -most(({ mu, sigma }) => 6 * sigma - mu)
  let high = most(({ mu, sigma }) => mu + 6 * sigma)
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = (low + high) / 2
    const above = known.reduce((sum, part) => sum + part.requests * shareAbove(part, middle), 0)
    if (above > share * n) low = middle
    else high = middle
  }
  return Math.exp((low + high) / 2)
}

function logNormalOf(requests: number, { avg, p95, p99 }: Latencies): LogNormal | null {
  if (!(requests > 0)) return null
  if (p95 !== null && p95 > 0) {
    const steep = p99 !== null && p99 > 0 ? Math.log(p99 / p95) / (Z.p99 - Z.p95) : USUAL_SIGMA
    const sigma = Math.min(SIGMA.max, Math.max(SIGMA.min, steep))
    return { requests, mu: Math.log(p95) - Z.p95 * sigma, sigma }
  }
  if (avg === null || !(avg > 0)) return null
  return { requests, mu: Math.log(avg) - USUAL_SIGMA ** 2 / 2, sigma: USUAL_SIGMA }
}

function shareAbove({ mu, sigma }: LogNormal, log: number): number {
  const z = (log - mu) / sigma
  return z >= 0 ? upperTail(z) : 1 - upperTail(-z)
}
