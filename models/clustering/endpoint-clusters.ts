import { kmeans } from 'ml-kmeans'
import type { EndpointProfile } from '../rate-limit/endpoints/profile.js'
import { quantile } from '../statistics/quantile.js'
import { clusterNames, GRAIN, type ClusterCentre } from './cluster-name.js'

/** Endpoints that are alike. */
export interface EndpointCluster {
  /** By busyness and speed, and by what sets it apart from others of its kind; no two are equal. */
  readonly name: string
  readonly endpoints: readonly string[]
  readonly size: number
  /** The middle (median) of its endpoints, in real units. */
  readonly centre: ClusterCentre
}

type Feature = (typeof FEATURES)[number]

const FEATURES = ['avgRequestsPerMinute', 'peakRequestsPerMinute', 'avgLatencyMs', 'errorRate'] as const

const SEED = 42

/**
 * Groups endpoints by their traffic: k-means (k-means++, Arthur and Vassilvitskii 2007) on the logarithms of four
 * features, each standardised, so that neither scale nor the largest endpoint rules. The profiles are sorted first and
 * the seed is fixed: the same profiles give the same clusters in whatever order they come.
 *
 * @param profiles one an endpoint; without any there are no clusters
 * @param nClusters a whole number from 1; clamped to the number of endpoints that differ
 * @returns busiest first, their endpoints in alphabetical order
 * @throws RangeError when nClusters is not a whole number from 1
 */
export function clusterEndpoints(profiles: readonly EndpointProfile[], nClusters: number): EndpointCluster[] {
  if (!Number.isSafeInteger(nClusters) || nClusters < 1) {
    throw new RangeError(`nClusters must be a whole number from 1, not ${nClusters}.`)
  }
  if (profiles.length === 0) return []
  const sorted = profiles.toSorted((a, b) => compare(nameOf(a), nameOf(b)))
  const rows = standardised(sorted)
  const k = Math.min(nClusters, new Set(rows.map((row) => row.join())).size)
  const { clusters } = kmeans(rows, k, { seed: SEED, initialization: 'kmeans++' })
  const groups = Array.from({ length: k }, (_, cluster) => sorted.filter((_, i) => clusters[i] === cluster))
  return named(groups.filter((group) => group.length > 0))
}

function nameOf({ endpoint, method }: EndpointProfile): string {
  return method === null ? endpoint : `${method} ${endpoint}`
}

/** By code units: the same on every machine, whatever its language. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** [nEndpoints][4], every column with mean 0 and standard deviation 1, or all 0 where it is constant. */
function standardised(profiles: readonly EndpointProfile[]): number[][] {
  const columns = FEATURES.map((feature) => {
    const logs = profiles.map((profile) => Math.log(profile[feature] + GRAIN[feature]))
    const mean = logs.reduce((sum, value) => sum + value, 0) / logs.length
    const deviation = Math.sqrt(logs.reduce((sum, value) => sum + (value - mean) ** 2, 0) / logs.length)
    return logs.map((value) => (deviation > 1e-9 ? (value - mean) / deviation : 0))
  })
  return profiles.map((_, i) => columns.map((column) => column[i]!))
}

function named(groups: readonly (readonly EndpointProfile[])[]): EndpointCluster[] {
  const middles = groups.map((group) => ({ group, centre: middleOf(group) }))
  middles.sort((a, b) => b.centre.avgRequestsPerMinute - a.centre.avgRequestsPerMinute)
  const names = clusterNames(middles.map(({ centre }) => centre))
  return middles.map(({ group, centre }, i) => {
    return { name: names[i]!, endpoints: group.map(nameOf), size: group.length, centre }
  })
}

function middleOf(group: readonly EndpointProfile[]): ClusterCentre {
  const middle = (feature: Feature) =>
    quantile(
      group.map((profile) => profile[feature]),
      0.5,
    )
  return Object.fromEntries(FEATURES.map((feature) => [feature, middle(feature)])) as unknown as ClusterCentre
}
