import { similarSizes, type DeviationSizes } from '../../models/incidents/deviation-size.js'
import type { Deviation } from '../../models/incidents/feedback.js'

/** A deviation, with the sizes up to which others are similar to it. */
export interface ShownDeviation extends Deviation {
  readonly upTo: DeviationSizes
}

export const shownDeviation = (deviation: Deviation): ShownDeviation => ({
  ...deviation,
  upTo: similarSizes(deviation.sizes),
})
