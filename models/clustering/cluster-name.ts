/** The middle of a cluster, in real units. */
export interface ClusterCentre {
  readonly avgRequestsPerMinute: number
  readonly peakRequestsPerMinute: number
  readonly avgLatencyMs: number
  /** 0…1 */
  readonly errorRate: number
}

type Feature = keyof ClusterCentre

/** Below this a difference is none: a request in a hundred minutes, a millisecond, an error in a thousand. */
export const GRAIN: ClusterCentre = {
  avgRequestsPerMinute: 0.01,
  peakRequestsPerMinute: 1,
  avgLatencyMs: 1,
  errorRate: 0.001,
}

/** What a cluster is called that has more of a feature, or less, than those of the same kind. */
const WORDS: Record<Feature, readonly [more: string, less: string]> = {
  avgRequestsPerMinute: ['busier', 'quieter'],
  peakRequestsPerMinute: ['higher_peaks', 'lower_peaks'],
  avgLatencyMs: ['slower', 'faster'],
  errorRate: ['more_errors', 'fewer_errors'],
}
const FEATURES = Object.keys(WORDS) as Feature[]

/** Requests a minute on average. */
const HIGH_TRAFFIC = 100
const MEDIUM_TRAFFIC = 10
/** Milliseconds on average. */
const SLOW_BUSY = 200
const SLOW_QUIET = 500
/** A smaller ratio sets nothing apart. */
const MIN_RATIO = 1.2

/**
 * The kind of a cluster, by the average of its middle endpoint: from 100 requests a minute it is high traffic, fast
 * below 200 ms and slow from there; from 10 medium; below that low, and low and slow from 500 ms on.
 */
function kindOf({ avgRequestsPerMinute, avgLatencyMs }: ClusterCentre): string {
  if (avgRequestsPerMinute >= HIGH_TRAFFIC) {
    return avgLatencyMs < SLOW_BUSY ? 'high_traffic_fast' : 'high_traffic_slow'
  }
  if (avgRequestsPerMinute >= MEDIUM_TRAFFIC) return 'medium_traffic'
  return avgLatencyMs < SLOW_QUIET ? 'low_traffic' : 'low_traffic_slow'
}

/**
 * The names of clusters, in their order; no two are equal. A cluster that is alone of its kind has the name of the kind.
 * Those of one kind are named by what sets each apart from the others, the greatest ratio first, in as many words as
 * needed: `low_traffic_slower`, `low_traffic_more_errors`. Where no feature differs by a fifth, a number is appended.
 */
export function clusterNames(centres: readonly ClusterCentre[]): string[] {
  const kinds = centres.map(kindOf)
  const words = centres.map((centre, i) =>
    differences(
      centre,
      centres.filter((_, j) => j !== i && kinds[j] === kinds[i]),
    ),
  )
  const used = words.map((each) => Math.min(1, each.length))
  const names = () => kinds.map((kind, i) => [kind, ...words[i]!.slice(0, used[i])].join('_'))
  for (let longest = 1; longest < FEATURES.length; longest++) {
    const present = names()
    for (const [i, name] of present.entries()) {
      if (used[i]! < words[i]!.length && present.indexOf(name) !== present.lastIndexOf(name)) used[i]!++
    }
  }
  return numbered(names())
}

/** Words for the features in which a centre differs from the others of its kind, the greatest difference first. */
function differences(centre: ClusterCentre, others: readonly ClusterCentre[]): string[] {
  if (others.length === 0) return []
  return FEATURES.map((feature) => {
    const log = (of: ClusterCentre) => Math.log(of[feature] + GRAIN[feature])
    const mean = others.reduce((sum, other) => sum + log(other), 0) / others.length
    const difference = log(centre) - mean
    return { word: WORDS[feature][difference > 0 ? 0 : 1], size: Math.abs(difference) }
  })
    .filter(({ size }) => size >= Math.log(MIN_RATIO))
    .sort((a, b) => b.size - a.size)
    .map(({ word }) => word)
}

/** `_1`, `_2` … is appended where a name repeats. */
function numbered(names: readonly string[]): string[] {
  const taken = new Map<string, number>()
  return names.map((name) => {
    const repeats = taken.get(name) ?? 0
    taken.set(name, repeats + 1)
    return repeats === 0 ? name : `${name}_${repeats}`
  })
}
