import type { ArrivalCurves } from '../arrival-curve.js'
import { harmLevel, type HarmBudget } from './harm-level.js'

/** The arrival curves of a pass over the requests, and the rates (requests a minute, ascending) they were made at. */
export interface ClientCurves {
  readonly limits: readonly number[]
  readonly curves: Pick<ArrivalCurves, 'sigma'>
}

/** Clients and what each would lose where it bursts beyond the bucket: an episode on each of its days. */
interface BurstClients {
  readonly clients: ArrayLike<number>
  /** Requests in the busiest minute of each. */
  readonly peaks: ArrayLike<number>
  readonly activeDays: ArrayLike<number>
  readonly requests: number
}

/**
 * The depth σ(r) of a client at any rate, never too low. σ is convex and falls with the rate, so it lies below the line
 * between two known rates; above the highest known rate that one's holds; below the lowest nothing is known, and that
 * of the lowest is given.
 *
 * Where the lower of the two known rates is below the client's own pace, its σ grows with the history and the line says
 * little. But at a rate of no less than its busiest minute no whole minute adds to a backlog, so an interval [s, t] is
 * at its worst in the parts of minutes at its ends, each under a minute: with the next known rate R,
 * σ(r) ≤ 2 · (σ(R) + (R − r) · 1 minute).
 *
 * @param peak requests in the client's busiest minute of the clock
 */
export function sigmaAt(
  { limits, curves }: ClientCurves,
  client: number,
  peak: number,
  limit: number,
): number {
  let k = limits.length - 1
  while (k > 0 && limits[k]! > limit) k--
  const here = curves.sigma(client, k)
  if (k === limits.length - 1 || limit <= limits[k]!) return here
  const [rate, next] = [limits[k]!, limits[k + 1]!]
  const there = curves.sigma(client, k + 1)
  const onLine = here + ((limit - rate) / (next - rate)) * (there - here)
  return limit >= peak ? Math.min(onLine, 2 * (there + next - limit)) : onLine
}

/** The burst for a rate, in requests: the depth that all but a budget of the clients need. */
export function burstAt(known: ClientCurves, of: BurstClients, limit: number, budget: HarmBudget): number {
  const depths = Float64Array.from(of.clients, (client, i) => sigmaAt(known, client, of.peaks[i]!, limit))
  const episodes: number[] = []
  for (let i = 0; i < depths.length; i++) {
    for (let day = 0; day < of.activeDays[i]!; day++) episodes.push(depths[i]!)
  }
  return harmLevel(depths, episodes, of.requests, budget)
}
