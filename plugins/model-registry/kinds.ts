import type { ModelKind } from '../../db/own/models.js'
import type { AnomalyModel } from '../../models/anomaly/model.js'
import { anomalyModelFromState, anomalyModelToState } from '../../models/anomaly/state.js'
import type { RateOptimizer } from '../../models/optimizer/model.js'
import { rateOptimizerFromState, rateOptimizerToState } from '../../models/optimizer/state.js'

/** How a kind of model is stored, and what is told of it without opening it. */
export interface Kind<M> {
  readonly name: ModelKind
  /** For the gateway's table ml_models. */
  readonly type: string
  toState(model: M): object
  /** @throws Error saying what is wrong */
  fromState(state: unknown): M
  /** Minutes or requests that it was learned from. */
  samples(model: M): number
  featureNames(model: M): string[]
  baselines(model: M): object
  metrics(model: M): Readonly<Record<string, number>>
}

export const ANOMALY_DETECTOR: Kind<AnomalyModel> = {
  name: 'anomaly_detector',
  type: 'isolation_forest',
  toState: anomalyModelToState,
  fromState: anomalyModelFromState,
  samples: ({ nSamples }) => nSamples,
  featureNames: ({ baselines }) => Object.keys(baselines),
  baselines: ({ baselines }) => baselines,
  metrics: ({ threshold }) => ({ score_threshold: threshold }),
}

export const RATE_OPTIMIZER: Kind<RateOptimizer> = {
  name: 'rate_optimizer',
  type: 'arrival_curves',
  toState: rateOptimizerToState,
  fromState: rateOptimizerFromState,
  samples: ({ requests }) => requests,
  featureNames: () => [],
  baselines: () => ({}),
  metrics: ({ byTemplate }) => ({ endpoints: byTemplate.size }),
}
