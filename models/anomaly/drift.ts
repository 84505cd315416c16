import { quantileSorted } from '../statistics/quantile.js'
import { FEATURES, mapFeatures, type PerFeature } from './features.js'

/** How far recent traffic has moved from what the model learned. */
export interface Drift {
  /** Minutes that it rests on; older ones count less. */
  readonly minutes: number
  /** Population stability index of each feature; null when nothing is known. */
  readonly features: PerFeature<number | null>
  /** The model should be trained again. */
  readonly retrain: boolean
}

/** Classes of residuals: the tenths of the standardised residuals of the history. */
const TENTHS = 10

/** Minutes after which a count has half its weight. */
const HALF_LIFE_MINUTES = 1440

/** An index above this means that the population has moved (Siddiqi 2006, "Credit Risk Scorecards", chapter 7). */
const MOVED = 0.25

/** Fewer minutes than this do not ask for training. */
const MIN_MINUTES = 240

/**
 * The nine deciles of the residuals of a history, ascending. NaN is left out; without any number there are none.
 */
export function tenthsOf(residuals: readonly number[]): Float64Array {
  const sorted = Float64Array.from(residuals.filter((each) => !Number.isNaN(each))).sort()
  if (sorted.length === 0) return new Float64Array(0)
  return Float64Array.from({ length: TENTHS - 1 }, (_, k) => quantileSorted(sorted, (k + 1) / TENTHS))
}

/** Compares the residuals of recent minutes with those of the history. */
export class DriftCounts {
  readonly #tenths: PerFeature<Float64Array>
  readonly #counts = mapFeatures(() => new Float64Array(TENTHS))
  #minutes = 0

  constructor(tenths: PerFeature<Float64Array>) {
    this.#tenths = tenths
  }

  /** @param modelZ residuals in the model's standard deviations; NaN when not known */
  add(modelZ: PerFeature<number>): void {
    const kept = 2 ** (-1 / HALF_LIFE_MINUTES)
    this.#minutes = this.#minutes * kept + 1
    for (const feature of FEATURES) {
      const counts = this.#counts[feature]
      for (let k = 0; k < TENTHS; k++) counts[k]! *= kept
      if (!Number.isNaN(modelZ[feature])) counts[placeOf(modelZ[feature], this.#tenths[feature])]!++
    }
  }

  drift(): Drift {
    const features = mapFeatures((feature) => stabilityIndex(this.#counts[feature], this.#tenths[feature]))
    const retrain = FEATURES.some((feature) => (features[feature] ?? 0) > MOVED)
    return {
      minutes: Math.round(this.#minutes),
      features,
      retrain: retrain && this.#minutes >= MIN_MINUTES,
    }
  }
}

function placeOf(value: number, tenths: Float64Array): number {
  let place = 0
  while (place < tenths.length && value > tenths[place]!) place++
  return place
}

/**
 * Σ (a − e) ln(a / e) over the shares a of the recent minutes and e of the history. Tenths with the same bound, as of an
 * error rate that is mostly 0, are compared as one class.
 */
function stabilityIndex(counts: Float64Array, tenths: Float64Array): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0 || tenths.length === 0) return null
  let index = 0
  let seen = 0
  let learned = 0
  for (let k = 0; k < TENTHS; k++) {
    seen += counts[k]!
    learned += 1 / TENTHS
    if (k < tenths.length - 1 && tenths[k] === tenths[k + 1]) continue
    const share = (seen + 0.5 * TENTHS * learned) / (total + 0.5 * TENTHS)
    index += (share - learned) * Math.log(share / learned)
    seen = 0
    learned = 0
  }
  return index
}
