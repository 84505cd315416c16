import { forestFromState, forestToState } from '../isolation-forest/state.js'
import type { Baseline } from './baseline.js'
import type { Expectation } from './expectation.js'
import { mapFeatures } from './features.js'
import type { AnomalyModel } from './model.js'
import { FOREST_COLUMNS } from './strengths.js'

/** A model as plain JSON: what an artifact holds. Its forest's arrays are base64. */
export function anomalyModelToState(model: AnomalyModel): object {
  return { ...model, forest: forestToState(model.forest) }
}

/**
 * The model of a state, every part of it checked.
 * @throws Error saying what is wrong with the state
 */
export function anomalyModelFromState(state: unknown): AnomalyModel {
  const fields = recordAt(state, 'model')
  const forest = forestFromState(fields['forest'])
  if (forest.nFeatures !== FOREST_COLUMNS) {
    throw new Error(`The forest has ${forest.nFeatures} columns instead of ${FOREST_COLUMNS}.`)
  }
  const baselines = recordAt(fields['baselines'], 'baselines')
  const expectations = recordAt(fields['expectations'], 'expectations')
  return {
    forest,
    threshold: numberAt(fields, 'threshold'),
    contamination: numberAt(fields, 'contamination'),
    nSamples: numberAt(fields, 'nSamples'),
    baselines: mapFeatures((feature) => numbersAt<Baseline>(baselines[feature], BASELINE, feature)),
    expectations: mapFeatures((feature) => expectationAt(expectations[feature], feature)),
  }
}

const BASELINE = ['mean', 'std', 'median', 'q25', 'q75', 'iqr', 'min', 'max'] as const

function expectationAt(value: unknown, name: string): Expectation {
  const expectation = numbersAt<Expectation>(value, ['value', 'up', 'down'], name)
  if (expectation.up > 0 && expectation.down > 0 && expectation.value >= 0) return expectation
  throw new Error(`The expectation of ${name} has no scale.`)
}

function numbersAt<T>(value: unknown, keys: readonly (keyof T & string)[], name: string): T {
  const fields = recordAt(value, name)
  return Object.fromEntries(keys.map((key) => [key, numberAt(fields, key)])) as T
}

function numberAt(fields: Record<string, unknown>, key: string): number {
  const value = fields[key]
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw new Error(`${key} is missing or not a finite number.`)
}

function recordAt(value: unknown, name: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  throw new Error(`${name} is missing.`)
}
