import type { Registry } from 'prom-client'
import type { Drift } from '../../models/anomaly/drift.js'
import { MODEL_NAMES, storedName, type ModelRegistry } from '../model-registry.js'
import type { EndedRun } from '../training/ended-run.js'
import { register, registerHistogram, registerTally } from './counted.js'
import { Histogram } from './histogram.js'

interface ModelsOptions {
  readonly models: Pick<ModelRegistry, 'active'>
  readonly drift: () => Drift | null
}

export function registerModels(registry: Registry, { models, drift }: ModelsOptions): void {
  const active = () =>
    MODEL_NAMES.flatMap((name) => {
      const model = models.active[name]
      return model ? [{ model: storedName(name), version: model.version, trainedAt: model.trainedAt }] : []
    })
  register(registry, {
    name: 'aegis_ml_model_active',
    help: 'Whether a model of this kind is active on this replica: 1 or 0.',
    type: 'gauge',
    samples: () =>
      MODEL_NAMES.map((name) => ({
        labels: { model: storedName(name) },
        value: models.active[name] === null ? 0 : 1,
      })),
  })
  register(registry, {
    name: 'aegis_ml_model_info',
    help: 'The version of each active model. The value is 1.',
    type: 'gauge',
    samples: () => active().map(({ model, version }) => ({ labels: { model, version }, value: 1 })),
  })
  register(registry, {
    name: 'aegis_ml_model_trained_timestamp_seconds',
    help: 'When each active model was trained, in seconds since 1970.',
    type: 'gauge',
    samples: () =>
      active().map(({ model, trainedAt }) => ({ labels: { model }, value: Date.parse(trainedAt) / 1000 })),
  })
  register(registry, {
    name: 'aegis_ml_model_drift_index',
    help: 'How far the reports have moved from what the model learned: the population stability index of each feature. A feature has moved from 0.25 on.',
    type: 'gauge',
    samples: () =>
      Object.entries(drift()?.features ?? {}).map(([feature, value]) => ({
        labels: { feature },
        value: value ?? NaN,
      })),
  })
  register(registry, {
    name: 'aegis_ml_model_retraining_advised',
    help: 'Whether the reports have moved so far, for so long, that the model should be trained again: 1 or 0.',
    type: 'gauge',
    samples: () => {
      const found = drift()
      return found === null ? [] : [{ labels: {}, value: found.retrain ? 1 : 0 }]
    },
  })
}

const TRIGGERS = ['automatic', 'requested'] as const
const OUTCOMES = ['trained', 'refused', 'no_data', 'stopped', 'failed'] as const
const DURATION_BOUNDS = [1, 5, 15, 60, 300, 900, 3600]

/** @returns what counts a run that has ended */
export function registerTraining(registry: Registry): (run: EndedRun) => void {
  const durations = new Histogram(DURATION_BOUNDS)
  const count = registerTally(registry, {
    name: 'aegis_ml_training_runs_total',
    help: 'Training runs that have ended on this replica. refused: the new detector was worse than the active one. no_data: there was too little to learn from.',
    labels: [
      { name: 'trigger', values: TRIGGERS },
      { name: 'outcome', values: OUTCOMES },
    ],
  })
  registerHistogram(registry, {
    name: 'aegis_ml_training_duration_seconds',
    help: 'How long the training runs of this replica took.',
    observations: () => [{ labels: {}, histogram: durations }],
  })
  return ({ isAutomatic, outcome, seconds }) => {
    count(isAutomatic ? 'automatic' : 'requested', outcome)
    durations.observe(seconds)
  }
}
