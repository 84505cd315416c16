import { MIN_DAYS } from '../seasonality/rhythm.js'
import { FEATURES, N_FEATURES } from './features.js'

const DAY_MINUTES = 1440

/**
 * What cannot be learned from a history, in sentences for an operator: a column that is 0 or NaN in every minute
 * (see `fitExpectation`), too few days for a rhythm, a range that is mostly unknown. An empty history has no warnings.
 *
 * @param samples `[nSamples, 5]`, row-major, features in the order of FEATURES
 * @param rangeMinutes minutes of the range that the samples are from, without excluded ones
 * @param count minutes that the samples tell of; one for each when left out
 */
export function historyWarnings(
  samples: Float64Array,
  rangeMinutes: number,
  count = samples.length / N_FEATURES,
): string[] {
  if (samples.length === 0) return []
  const warnings: string[] = []
  const empty = FEATURES.filter((feature, column) => feature !== 'error_rate' && isAlways(samples, column, 0))
  const unrecorded = FEATURES.filter((_, column) => isAlways(samples, column, NaN))
  if (empty.length > 0) {
    warnings.push(`${empty.join(', ')}: 0 in every minute, so not recorded, and not judged.`)
  }
  if (unrecorded.length > 0) {
    warnings.push(`${unrecorded.join(', ')}: unknown in every minute, so not judged. Traffic and errors are.`)
  }
  if (count < MIN_DAYS.day * DAY_MINUTES) {
    warnings.push(
      `The history has ${Math.round(count)} minutes: from two days on the rhythm of the day is learned, until then only large deviations count.`,
    )
  } else if (count < MIN_DAYS.week * DAY_MINUTES) {
    const days = Math.floor(count / DAY_MINUTES)
    warnings.push(`The history has ${days} days: from 14 days on the rhythm of the week is learned.`)
  }
  if (count >= DAY_MINUTES && count < rangeMinutes / 2) {
    warnings.push(
      `Only ${Math.round(count)} of the ${rangeMinutes} minutes in the range have requests; the others are unknown.`,
    )
  }
  return warnings
}

function isAlways(samples: Float64Array, column: number, value: number): boolean {
  for (let index = column; index < samples.length; index += N_FEATURES) {
    if (!Object.is(samples[index], value)) return false
  }
  return true
}
