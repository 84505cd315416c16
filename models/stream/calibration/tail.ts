/** With fewer values, the largest one stands for the tail. */
export const MIN_TAIL = 20

/** What is added to the largest value then, and to a quantile of a tail, as a share. */
export const MARGIN = { few: 0.2, tail: 0.1 }

/** Bounds of the shape of a tail: all values below a bound, and a variance that is barely finite. */
const SHAPE = { min: -1, max: 0.5 }

/** A quantile beyond the values is at most so many times the largest. */
export const MAX_BEYOND = 1.5

/**
 * A bound that the next value exceeds with a probability p. Beyond the median, the values have a generalised Pareto tail
 * (Pickands 1975; for alarms Siffer et al. 2017), fitted by probability-weighted moments (Hosking and Wallis 1987). The
 * bound is not below the value that no more than a share p of the values exceed. O(n log n).
 *
 * @param values above 0; none give 0
 * @param p above 0; from 1 on the bound is 0
 */
export function upperBound(values: readonly number[], p: number): number {
  const n = values.length
  if (n === 0 || p >= 1) return 0
  const sorted = [...values].sort((a, b) => a - b)
  const most = sorted[n - 1 - Math.min(n - 1, Math.floor(p * n))]!
  if (n < MIN_TAIL) return (1 + MARGIN.few) * most
  const from = Math.floor(n / 2)
  const start = sorted[from - 1]!
  const beyond = sorted.slice(from).map((value) => value - start)
  const quantile = start + tailQuantile(beyond, Math.min(1, (p * n) / beyond.length))
  return (1 + MARGIN.tail) * Math.max(most, Math.min(quantile, MAX_BEYOND * sorted[n - 1]!))
}

/** The value that a share p of a generalised Pareto distribution exceeds. @param excesses ascending, 0 or more */
function tailQuantile(excesses: readonly number[], p: number): number {
  const n = excesses.length
  const mean = excesses.reduce((sum, y) => sum + y / n, 0)
  const weighted = excesses.reduce((sum, y, i) => sum + (y * (1 - (i + 0.65) / n)) / n, 0)
  if (!(mean > 2 * weighted)) return excesses[n - 1]!
  const shape = Math.min(SHAPE.max, Math.max(SHAPE.min, 2 - mean / (mean - 2 * weighted)))
  const scale = mean * (1 - shape)
  return Math.abs(shape) < 1e-6 ? -scale * Math.log(p) : (scale * (p ** -shape - 1)) / shape
}

/** Peaks of fluctuations: the share that shows their tail, and at least so many. */
export const PEAK_TAIL = { share: 0.25, min: 12 }

/** The largest peaks, which may be incidents: a share of them, and at least so many in two weeks. */
export const PEAK_INCIDENTS = { share: 0.05, inTwoWeeks: 12 }

/**
 * A bound that a number of peaks of fluctuations are expected to exceed in a time as long as theirs. The tail of the peaks
 * is exponential. The largest of them may be incidents: they are known to be larger than the others alone (maximum
 * likelihood with censoring on the right, Lawless 2003, "Statistical Models and Methods for Lifetime Data", section 4.1).
 * The bound is at most {@link MAX_BEYOND} times the largest peak. O(n log n).
 *
 * @param peaks above 0
 * @param allowed above 0
 * @param days in which they were
 * @returns 0 when they are too few to show a tail, or no more than allowed
 */
export function peakBound(peaks: readonly number[], allowed: number, days: number): number {
  const n = peaks.length
  const nIncidents = Math.ceil(Math.max(PEAK_INCIDENTS.share * n, incidentsIn(days)))
  const nTail = Math.max(Math.ceil(PEAK_TAIL.share * n), nIncidents + PEAK_TAIL.min)
  if (nTail >= n || allowed >= nTail) return 0
  const sorted = [...peaks].sort((a, b) => a - b)
  const start = sorted[n - nTail - 1]!
  const last = sorted[n - nIncidents - 1]!
  const known = sorted.slice(n - nTail, n - nIncidents)
  const sum = known.reduce((total, peak) => total + peak - start, 0) + nIncidents * (last - start)
  const mean = sum / known.length
  return Math.min(start + mean * Math.log(nTail / allowed), MAX_BEYOND * sorted[n - 1]!)
}

/** In a longer history than two weeks, they grow with the square root of its length. */
function incidentsIn(days: number): number {
  const twoWeeks = days / 14
  return PEAK_INCIDENTS.inTwoWeeks * (twoWeeks > 1 ? Math.sqrt(twoWeeks) : twoWeeks)
}
