/**
 * s(x, n) = 2^(-E[h(x)] / c(psi)), the anomaly score: in (0, 1], higher is more anomalous, about 0.5 when
 * nothing stands out (Liu, Ting and Zhou 2008, equation 2).
 *
 * A forest fitted on a single sample has c(1) = 0 and knows nothing: every sample scores 0.5, as in
 * scikit-learn.
 *
 * @param meanPathLength E[h(x)], the mean over the trees of depth + c(samples in the leaf), >= 0
 * @param normalizer c(psi), see `averagePathLength`
 */
export function anomalyScore(meanPathLength: number, normalizer: number): number {
  // exp is several times as fast as a power of two, and as exact.
  return normalizer === 0 ? 0.5 : Math.exp(-Math.LN2 * (meanPathLength / normalizer))
}
