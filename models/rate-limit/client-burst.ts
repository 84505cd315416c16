import type { ArrivalCurves } from './arrival-curve.js'
import { harmLevel, type HarmBudget } from './harm-level.js'

/** The arrival curves of a pass over the requests, and the rates (requests a minute, ascending) they were made at. */
export interface ClientCurves {
  readonly limits: readonly number[]
  readonly curves: Pick<ArrivalCurves, 'sigma'>
}

/** Clients and what each would lose where it bursts beyond the bucket: an episode on each of its days. */
export interface BurstClients {
  readonly clients: ArrayLike<number>
  readonly activeDays: ArrayLike<number>
  readonly requests: number
}

/**
 * The depth σ(r) of a client at any rate: σ is convex and falls with the rate, so a line between two known rates is
 * never too low. Above the highest known rate its σ holds (too high rather than too low); below the lowest nothing
 * is known, and that of the lowest is given.
 */
export function sigmaAt({ limits, curves }: ClientCurves, client: number, limit: number): number {
  let k = limits.length - 1
  while (k > 0 && limits[k]! > limit) k--
  const here = curves.sigma(client, k)
  if (k === limits.length - 1 || limit <= limits[k]!) return here
  const share = (limit - limits[k]!) / (limits[k + 1]! - limits[k]!)
  return here + share * (curves.sigma(client, k + 1) - here)
}

/** The burst for a rate, in requests: the depth that all but a budget of the clients need. */
export function burstAt(known: ClientCurves, of: BurstClients, limit: number, budget: HarmBudget): number {
  const depths = Float64Array.from(of.clients, (client) => sigmaAt(known, client, limit))
  const episodes: number[] = []
  for (let i = 0; i < depths.length; i++) {
    for (let day = 0; day < of.activeDays[i]!; day++) episodes.push(depths[i]!)
  }
  return harmLevel(depths, episodes, of.requests, budget)
}
