import type { Sql, TransactionSql } from 'postgres'
import type { Log } from '../../db/log.js'
import type { VersionRow } from '../../db/own/models.js'
import type { EngineChoice } from '../config.js'
import type { Artifact } from './artifact.js'
import { ModelFiles } from './files.js'
import {
  forEachKind,
  inTurnForEachKind,
  KINDS,
  MODEL_NAMES,
  NOTHING_STORED,
  type ActiveModels,
  type ActiveOf,
  type ModelName,
  type ModelOf,
  type StoredModels,
  type TrainedModels,
} from './kinds.js'
import { createModelSlot, type ModelSlot } from './slot.js'
import { ModelStore } from './store.js'
import { createTurns } from './turns.js'

/** The models that are in use. Every change of them comes one at a time. */
export interface ModelRegistry {
  readonly active: ActiveModels
  /** What is wrong with the stored models, in sentences. */
  readonly problems: readonly string[]
  /** Publishes new models: the work stores them in a transaction, commits it, and activates them. */
  publish<T>(work: (publishing: Publishing) => Promise<T>): Promise<T>
  /** Makes the stored model active: the one last chosen, or the newest that is whole. Null when there is none. */
  load<N extends ModelName>(name: N): Promise<ActiveOf<N> | null>
  /** Makes a stored version active. */
  activate<N extends ModelName>(name: N, version: string): Promise<ActiveOf<N>>
  /** Makes nothing active until the next load, activation or training. Stored versions stay. */
  reset(): Promise<void>
  /** Changes for the time without a database, on this replica: see `LocalChanges`. */
  readonly local: LocalRegistry
  /** What is stored, the newest first. */
  versions(): Promise<Record<ModelName, VersionRow[]>>
  /** Makes active what the database says is active. */
  sync(): Promise<void>
  /** Makes active what the files of this replica say was active: for the time without a database. */
  restoreFromFiles(): Promise<void>
  /** Calls the listener when no model of a kind is active any more, on whichever replica it was reset. */
  onReset(name: ModelName, listener: () => void): void
  /** Waits for the present change. None comes after it. */
  close(): Promise<void>
}

export interface LocalRegistry {
  /** Makes new models active. */
  publish(trained: TrainedModels): Promise<StoredModels>
  load<N extends ModelName>(name: N): Promise<ActiveOf<N> | null>
  reset(): Promise<void>
}

/** The two steps of a publication. The registry makes no other change in between. */
export interface Publishing {
  /**
   * Stores new models under one version and makes them the active ones of the database, in the transaction given.
   * @param inactive models that are stored only; the active ones stay
   */
  store(tx: TransactionSql, trained: TrainedModels, inactive?: ReadonlySet<ModelName>): Promise<StoredModels>
  /** Makes active what was stored and committed. */
  activate(stored: StoredModels): Promise<void>
}

export interface RegistryOptions {
  readonly sql: Sql
  /** Where the files of this replica are. */
  readonly folder: string
  readonly engine: EngineChoice
  readonly log: Pick<Log, 'info' | 'warn'>
  readonly now: () => Date
}

type Slots = { readonly [N in ModelName]: ModelSlot<ModelOf<N>, ActiveOf<N>> }

export function createModelRegistry({ sql, folder, engine, log, now }: RegistryOptions): ModelRegistry {
  let active: ActiveModels = Object.freeze({ anomaly: null, optimizer: null })
  const { inTurn, end } = createTurns()
  const resetListeners: [ModelName, () => void][] = []

  const createSlot = <N extends ModelName>(name: N): ModelSlot<ModelOf<N>, ActiveOf<N>> => {
    const kind = KINDS[name]
    return createModelSlot<ModelOf<N>, ActiveOf<N>>({
      store: new ModelStore(sql, new ModelFiles(folder, kind), log, kind),
      log,
      prepare: (artifact) => kind.prepare(artifact, engine),
      onChange(model, before) {
        active = Object.freeze({ ...active, [name]: model })
        if (before) kind.release(before)
        if (model) {
          log.info(
            { kind: kind.storedName, version: model.version, ...kind.logFields(model) },
            'model active',
          )
          return
        }
        for (const [listened, listener] of resetListeners) if (listened === name) listener()
      },
    })
  }
  const slots = forEachKind<Slots>(createSlot)
  const eachSlotInTurn = (change: (slot: Slots[ModelName]) => Promise<void>): Promise<void> =>
    inTurn(async () => {
      for (const name of MODEL_NAMES) await change(slots[name])
    })

  /** A version for models that are trained now, later than any known one of any kind. */
  const versionAt = async (tx: TransactionSql, trainedAt: Date): Promise<string> => {
    const versions = await inTurnForEachKind<Record<ModelName, string>>((name): Promise<string> =>
      slots[name].versionAt(tx, trainedAt),
    )
    return Object.values(versions).sort().at(-1)!
  }
  const publishing: Publishing = {
    async store(tx, trained, inactive = new Set()) {
      const trainedAt = now()
      if (MODEL_NAMES.every((name) => trained[name] === null)) return NOTHING_STORED
      const version = await versionAt(tx, trainedAt)
      const storeOne = async <N extends ModelName>(name: N): Promise<Artifact<ModelOf<N>> | null> => {
        const model: TrainedModels[N] = trained[name]
        return model && slots[name].enter(tx, model, { version, trainedAt, isActive: !inactive.has(name) })
      }
      return inTurnForEachKind<StoredModels>(storeOne)
    },
    async activate(stored) {
      const activateOne = async <N extends ModelName>(name: N): Promise<void> => {
        const artifact: StoredModels[N] = stored[name]
        if (artifact) await slots[name].takeUpNew(artifact)
      }
      for (const name of MODEL_NAMES) await activateOne(name)
    },
  }

  const publishLocally = (trained: TrainedModels): Promise<StoredModels> => {
    const trainedAt = now()
    const takeUpOne = async <N extends ModelName>(name: N): Promise<Artifact<ModelOf<N>> | null> => {
      const model: TrainedModels[N] = trained[name]
      return model && slots[name].local.takeUpNew(model, trainedAt)
    }
    return inTurnForEachKind<StoredModels>(takeUpOne)
  }

  return {
    get active() {
      return active
    },
    get problems() {
      return [...new Set(MODEL_NAMES.flatMap((name) => slots[name].problems))]
    },
    publish: (work) => inTurn(() => work(publishing)),
    load: (name) => inTurn(() => slots[name].load()),
    activate: (name, version) => inTurn(() => slots[name].activate(version)),
    reset: () => eachSlotInTurn((slot) => slot.reset()),
    local: {
      publish: (trained) => inTurn(() => publishLocally(trained)),
      load: (name) => inTurn(() => slots[name].local.load()),
      reset: () => eachSlotInTurn((slot) => slot.local.reset()),
    },
    versions: () => inTurnForEachKind((name): Promise<VersionRow[]> => slots[name].versions()),
    sync: () => eachSlotInTurn((slot) => slot.sync()),
    restoreFromFiles: () => eachSlotInTurn((slot) => slot.restoreFromFiles()),
    onReset: (name, listener) => void resetListeners.push([name, listener]),
    async close() {
      await end()
      for (const name of MODEL_NAMES) slots[name].drop()
    },
  }
}
