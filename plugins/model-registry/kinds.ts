import type { ModelKind } from '../../db/own/models.js'
import type { AnomalyModel } from '../../models/anomaly/model.js'
import { anomalyModelFromState, anomalyModelToState } from '../../models/anomaly/state.js'
import type { RateOptimizer } from '../../models/optimizer/model.js'
import { rateOptimizerFromState, rateOptimizerToState } from '../../models/optimizer/state.js'
import type { EngineChoice } from '../config.js'
import type { Artifact, TrainingRecord } from './artifact.js'
import { chooseEngine, type ChosenEngine } from './scoring-engine.js'

/** An active detector, with the engine that scores its forest. Immutable. */
export interface ActiveDetector extends Artifact<AnomalyModel>, ChosenEngine {}

export type ActiveOptimizer = Artifact<RateOptimizer>

/** By the name that requests use: the type of the model, and the type of the active model. */
interface Types {
  anomaly: { model: AnomalyModel; active: ActiveDetector }
  optimizer: { model: RateOptimizer; active: ActiveOptimizer }
}

export type ModelName = keyof Types
export type ModelOf<N extends ModelName> = Types[N]['model']
export type ActiveOf<N extends ModelName> = Types[N]['active']

/** The active models at one moment. A request reads them once: they may change before its next read. */
export type ActiveModels = { readonly [N in ModelName]: ActiveOf<N> | null }

/** A new model, and how it was trained. */
export interface Trained<M> {
  readonly model: M
  readonly training: TrainingRecord
}

/** The models of a training run. Where it is null the active model stays. */
export type TrainedModels = { readonly [N in ModelName]: Trained<ModelOf<N>> | null }

/** The models of a training run in the database, all under one version. */
export type StoredModels = { readonly [N in ModelName]: Artifact<ModelOf<N>> | null }

export const NOTHING_STORED: StoredModels = { anomaly: null, optimizer: null }

/** How a kind of model is stored, described and used. */
export interface Kind<M, A extends Artifact<M>> {
  readonly storedName: ModelKind
  /** The file that names the active version. Kinds change independently, so that each has its own. */
  readonly activeFile: string
  /** The type in the gateway's table ml_models. */
  readonly type: string
  toState(model: M): object
  /** @throws Error saying what is wrong */
  fromState(state: unknown): M
  /** Minutes or requests that the model was trained on. */
  samples(model: M): number
  featureNames(model: M): string[]
  baselines(model: M): object
  metrics(model: M): Readonly<Record<string, number>>
  /** Makes a stored model ready for use. */
  prepare(artifact: Artifact<M>, engine: EngineChoice): Promise<A>
  /** Frees what prepare has made. */
  release(active: A): void
  /** What the log says of a model that becomes active, beside its kind and version. */
  logFields(active: A): object
}

/** Every kind of model that the service trains. */
export const KINDS: { readonly [N in ModelName]: Kind<ModelOf<N>, ActiveOf<N>> } = {
  anomaly: {
    storedName: 'anomaly_detector',
    activeFile: 'active.json', // the first kind; its file has no suffix in any release
    type: 'isolation_forest',
    toState: anomalyModelToState,
    fromState: anomalyModelFromState,
    samples: ({ nSamples }) => nSamples,
    featureNames: ({ baselines }) => Object.keys(baselines),
    baselines: ({ baselines }) => baselines,
    metrics: ({ threshold }) => ({ score_threshold: threshold }),
    prepare: async (artifact, engine) =>
      Object.freeze({ ...artifact, ...(await chooseEngine(engine, artifact.model.forest)) }),
    release: ({ engine }) => engine.dispose(),
    logFields: ({ engine }) => ({ engine: engine.name }),
  },
  optimizer: {
    storedName: 'rate_optimizer',
    activeFile: 'active-rate_optimizer.json',
    type: 'arrival_curves',
    toState: rateOptimizerToState,
    fromState: rateOptimizerFromState,
    samples: ({ requests }) => requests,
    featureNames: () => [],
    baselines: () => ({}),
    metrics: ({ byTemplate }) => ({ endpoints: byTemplate.size }),
    prepare: async (artifact) => Object.freeze(artifact),
    release: () => undefined,
    logFields: () => ({}),
  },
}

/** The name of a kind in the database. */
export const storedName = (name: ModelName): ModelKind => KINDS[name].storedName

export const MODEL_NAMES = Object.keys(KINDS) as readonly ModelName[]

/**
 * A value for each kind of model. `make` must return a T[N], which the compiler cannot check: declare its return type.
 */
export function forEachKind<T extends Record<ModelName, unknown>>(
  make: <N extends ModelName>(name: N) => unknown,
): T {
  return Object.fromEntries(MODEL_NAMES.map((name) => [name, make(name)])) as T
}

/** As forEachKind, with one value after the other. */
export async function inTurnForEachKind<T extends Record<ModelName, unknown>>(
  make: <N extends ModelName>(name: N) => Promise<unknown>,
): Promise<T> {
  const made: [ModelName, unknown][] = []
  for (const name of MODEL_NAMES) made.push([name, await make(name)])
  return Object.fromEntries(made) as T
}
