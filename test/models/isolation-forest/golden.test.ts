import { readFile } from 'node:fs/promises'
import t from 'tap'
import {
  anomalyScores,
  averagePathLength,
  fitIsolationForest,
  forestFromState,
  forestToState,
} from '../../../models/index.js'
import { fromSklearn, type SklearnForest } from './golden/sklearn-forest.js'

interface DataSet {
  readonly name: string
  readonly n_features: number
  /** They are the last rows. */
  readonly n_outliers: number
  readonly mean_auc: number
  readonly samples: readonly number[]
}

const golden = async (name: string): Promise<unknown> =>
  JSON.parse(await readFile(`test/models/isolation-forest/golden/${name}.json`, 'utf8'))

t.test('c(n) is the average path length that scikit-learn uses', async (t) => {
  const expected = (await golden('average-path-length')) as Record<string, number>
  t.same(Object.keys(expected), ['0', '1', '2', '5', '256', '999'])
  for (const [n, value] of Object.entries(expected)) {
    t.ok(Math.abs(averagePathLength(Number(n)) - value) < 1e-12, `c(${n})`)
  }
})

t.test('a forest that scikit-learn fitted gives the scores that scikit-learn gives', async (t) => {
  const sklearn = (await golden('sklearn-forest')) as SklearnForest & {
    samples: number[]
    score_samples: number[]
  }
  const forest = forestFromState(forestToState(fromSklearn(sklearn)))
  const scores = anomalyScores(forest, Float64Array.from(sklearn.samples))
  t.equal(scores.length, sklearn.score_samples.length)
  const difference = Math.max(...scores.map((score, i) => Math.abs(score + sklearn.score_samples[i]!)))
  t.ok(difference < 1e-6, `largest difference ${difference}`)
})

t.test('outliers are told from the rest as well as by scikit-learn', async (t) => {
  const dataSets = (await golden('data-sets')) as DataSet[]
  t.ok(dataSets.length >= 5)
  const differences = dataSets.map((dataSet) => {
    const difference = meanAuc(dataSet) - dataSet.mean_auc
    t.ok(
      Math.abs(difference) < 0.01,
      `${dataSet.name}: ${difference.toFixed(4)} from scikit-learn's mean AUC`,
    )
    return difference
  })
  const mean = differences.reduce((sum, difference) => sum + difference, 0) / differences.length
  t.ok(Math.abs(mean) < 0.005, `over all sets: ${mean.toFixed(4)}`)
})

function meanAuc(dataSet: DataSet): number {
  const samples = Float64Array.from(dataSet.samples)
  const nFeatures = dataSet.n_features
  const nSamples = samples.length / nFeatures
  const areas = Array.from({ length: 30 }, (_, seed) => {
    const scores = anomalyScores(fitIsolationForest(samples, { nSamples, nFeatures, seed }), samples)
    const firstOutlier = nSamples - dataSet.n_outliers
    return areaUnderCurve(scores.subarray(firstOutlier), scores.subarray(0, firstOutlier))
  })
  return areas.reduce((sum, area) => sum + area, 0) / areas.length
}

/** The share of pairs in which the outlier scores higher; a tie counts half. */
function areaUnderCurve(outliers: Float64Array, others: Float64Array): number {
  let won = 0
  for (const outlier of outliers) {
    for (const other of others) won += outlier > other ? 1 : outlier === other ? 0.5 : 0
  }
  return won / (outliers.length * others.length)
}
