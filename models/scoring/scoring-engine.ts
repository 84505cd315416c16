/** Scores samples with the forest it was made for; all engines give the scores of `referenceScores`. */
export interface ScoringEngine {
  readonly name: 'kernel' | 'tensor'
  /** What computes: `javascript`, or the TensorFlow.js backend (`tensorflow`, `wasm`, `cpu`). */
  readonly backend: string
  /** Why this backend, in words for an operator. */
  readonly reason: string
  /**
   * s(x, n) of each row, `[nRows]`, in (0, 1], higher is more anomalous; no rows give no scores.
   *
   * @param samples `[nRows, nFeatures]`, row-major; rounded to float32 (see `toFloat32`)
   * @throws RangeError if samples is no whole number of rows, or a sample is NaN
   */
  score(samples: Float64Array): Float64Array
  /** Gives back what the engine holds outside the JavaScript heap; afterwards it must not score. */
  dispose(): void
}
