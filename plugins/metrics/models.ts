import type { Registry } from 'prom-client'
import type { Drift } from '../../models/anomaly/drift.js'
import { MODEL_NAMES, storedName, type ModelRegistry } from '../model-registry.js'
import type { EndedRun } from '../training/ended-run.js'
import { register, registerHistogram } from './counted.js'

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
  const counts = new Map<string, number>()
  const classes = new Float64Array(DURATION_BOUNDS.length + 1)
  let sum = 0
  register(registry, {
    name: 'aegis_ml_training_runs_total',
    help: 'Training runs that have ended on this replica. refused: the new detector was worse than the active one. no_data: there was too little to learn from.',
    type: 'counter',
    *samples() {
      for (const trigger of TRIGGERS)
        for (const outcome of OUTCOMES) {
          yield { labels: { trigger, outcome }, value: counts.get(`${trigger} ${outcome}`) ?? 0 }
        }
    },
  })
  registerHistogram(registry, {
    name: 'aegis_ml_training_duration_seconds',
    help: 'How long the training runs of this replica took.',
    bounds: DURATION_BOUNDS,
    observations: () => [{ labels: {}, classes, sum }],
  })
  return ({ isAutomatic, outcome, seconds }) => {
    const key = `${isAutomatic ? 'automatic' : 'requested'} ${outcome}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
    const place = DURATION_BOUNDS.findIndex((bound) => seconds <= bound)
    classes[place < 0 ? DURATION_BOUNDS.length : place]!++
    sum += seconds
  }
}
