import type { IsolationForest } from './forest.js'

/**
 * Rows in samples meant for a forest.
 *
 * @param samples `[nRows, forest.nFeatures]`, row-major
 * @throws RangeError if samples is no whole number of rows
 */
export function rowCount(forest: IsolationForest, samples: Float64Array): number {
  const rows = samples.length / forest.nFeatures
  if (Number.isInteger(rows)) return rows
  throw new RangeError(
    `samples has ${samples.length} values: it must be rows of ${forest.nFeatures} features`,
  )
}
