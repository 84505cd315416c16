import { localTimeOf } from '../seasonality/local-time.js'
import { refitExpectation } from './expectation.js'
import { mapFeatures } from './features.js'
import { featureHistories, type AnomalyModel } from './model.js'
import type { RegularHistory } from './regular-history.js'

/** Parts of the days that are held out in turn. It is prime to seven, so that no part has all Mondays. */
export const PARTS = 3

/**
 * Models that have not seen the days that they judge: each third of the days is held out, and the expected values are
 * fitted to the others. Rhythms, noise and forest are those of the whole history.
 *
 * @param history that the model was fitted to, in its rows
 * @returns the model for a row of the history, by its index, and its name
 */
export function heldOutModels(
  history: RegularHistory,
  model: AnomalyModel,
): (index: number) => { readonly model: AnomalyModel; readonly name: string } {
  const histories = featureHistories(history, localTimeOf(model.timeZone))
  const { days } = histories.requests_per_second
  const models = Array.from({ length: PARTS }, (_, part) => ({
    name: `part ${part}`,
    model: {
      ...model,
      expectations: mapFeatures((feature) =>
        refitExpectation(
          model.expectations[feature],
          feature,
          histories[feature],
          (i) => days[i]! % PARTS !== part,
        ),
      ),
    },
  }))
  return (index) => models[days[index]! % PARTS]!
}
