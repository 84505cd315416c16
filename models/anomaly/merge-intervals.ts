import { mapFeatures, type Interval } from './features.js'

/**
 * The interval that neighbouring intervals make together. Requests and seconds add up; latencies and error rate are means
 * weighted by requests. The percentile of the whole is not known: the mean of the percentiles is close to it while the
 * traffic stays alike.
 *
 * @param parts at least one. A latency of NaN counts in no mean, as does one of a part without requests
 */
export function mergeIntervals(parts: readonly Interval[]): Interval {
  if (parts.length === 1) return parts[0]!
  const sumOf = (value: (part: Interval) => number) => parts.reduce((sum, part) => sum + value(part), 0)
  const seconds = sumOf((part) => part.seconds)
  const merged = mapFeatures((feature) => {
    if (feature === 'requests_per_second') return sumOf((part) => part[feature] * part.seconds) / seconds
    const known = parts.filter((part) => part.requests > 0 && !Number.isNaN(part[feature]))
    const requests = known.reduce((sum, part) => sum + part.requests, 0)
    if (known.length === 0) return parts[0]![feature]
    return known.reduce((sum, part) => sum + (part[feature] * part.requests) / requests, 0)
  })
  const trafficOnly = parts.every((part) => part.trafficOnly === true)
  return { ...merged, seconds, requests: sumOf((part) => part.requests), ...(trafficOnly && { trafficOnly }) }
}
