import type { TransactionSql } from 'postgres'
import { reasonWithoutPath } from '../../db/files.js'
import type { Log } from '../../db/log.js'
import type { VersionRow } from '../../db/own/models.js'
import { ServiceError } from '../http/errors.js'
import { isVersion, versionAfter, type Artifact } from './artifact.js'
import type { Trained } from './kinds.js'
import type { ModelStore } from './store.js'

/** The active model of one kind, and how it changes. */
export interface ModelSlot<M, A extends Artifact<M>> {
  readonly active: A | null
  /** What is wrong with the stored models, in sentences. */
  readonly problems: readonly string[]
  /** A version for a model that is trained now, later than any known one. */
  versionAt(tx: TransactionSql, trainedAt: Date): Promise<string>
  /** Stores a new version in the transaction given and, if it is to be active, makes it the active one of the database. */
  enter(tx: TransactionSql, trained: Trained<M>, entry: NewVersion): Promise<Artifact<M>>
  /** Makes active what was entered and committed. */
  takeUpNew(artifact: Artifact<M>): Promise<A>
  /** Makes active what the database says is active. */
  sync(): Promise<void>
  /** Makes active what the files of this replica say was active: for the time without a database. */
  restoreFromFiles(): Promise<void>
  /** Makes the stored model active: the one last chosen, or the newest that is whole. Null when there is none. */
  load(): Promise<A | null>
  /** Makes a stored version active. */
  activate(version: string): Promise<A>
  /** Makes nothing active until the next load, activation or training. Stored versions stay. */
  reset(): Promise<void>
  /** What is stored, the newest first. */
  versions(): Promise<VersionRow[]>
  /** Changes for the time without a database. They are on disk when they return; sync passes them on. */
  readonly local: LocalChanges<M, A>
  /** Drops the active model when the service ends. Other replicas keep theirs. */
  drop(): void
}

/** The place of a new model among the versions. */
export interface NewVersion {
  readonly version: string
  readonly trainedAt: Date
  readonly isActive: boolean
}

/**
 * What can be changed while the database is down. When it is back, a local choice becomes the choice of all replicas,
 * unless the database has another choice than the one that this replica last knew: then the database wins.
 */
export interface LocalChanges<M, A extends Artifact<M>> {
  /** Makes a new model active. */
  takeUpNew(trained: Trained<M>, trainedAt: Date): Promise<Artifact<M>>
  /** As load, with the versions in the files of this replica. */
  load(): Promise<A | null>
  reset(): Promise<void>
}

export interface SlotOptions<M, A extends Artifact<M>> {
  readonly store: ModelStore<M>
  /** Makes an artifact ready for use. */
  readonly prepare: (artifact: Artifact<M>) => Promise<A>
  /** Called after each change. */
  readonly onChange: (now: A | null, before: A | null) => void
  readonly log: Pick<Log, 'info' | 'warn'>
}

/** Changes must come one at a time: the registry guarantees that. */
export function createModelSlot<M, A extends Artifact<M>>(options: SlotOptions<M, A>): ModelSlot<M, A> {
  const { store, prepare, onChange, log } = options
  const { sql, files } = store
  let active: A | null = null
  let problems: string[] = []

  const report = (problem: string): void => {
    problems.push(problem)
  }
  const swap = (now: A | null): void => {
    const before = active
    active = now
    onChange(now, before)
  }
  const use = async (artifact: Artifact<M>): Promise<A> => {
    const ready = await prepare(artifact)
    swap(ready)
    return ready
  }
  /** The database has the model for certain, so that a full disk is reported and nothing fails. */
  const onDisk = async (work: Promise<void>): Promise<void> => {
    await work.catch((error: unknown) => {
      log.warn({ err: error }, 'MODEL_PATH cannot be written')
      report(`MODEL_PATH cannot be written (${reasonWithoutPath(error)}): free its disk or grant the rights.`)
    })
  }
  const takeUp = async (artifact: Artifact<M>): Promise<A> => {
    const ready = await use(artifact)
    await onDisk(store.keepFile(artifact))
    return ready
  }
  const firstWhole = async (
    versions: Iterable<string>,
    find: (version: string) => Promise<Artifact<M> | null>,
  ): Promise<Artifact<M> | null> => {
    for (const version of versions) {
      const artifact = await find(version)
      if (artifact) return artifact
    }
    return null
  }
  const useNothing = async (): Promise<void> => {
    swap(null)
    await onDisk(files.setActiveVersion(null))
  }
  const choose = (artifact: Artifact<M>) => sql.begin((tx) => store.activate(tx, artifact, false))
  const chosenFile = async (): Promise<Artifact<M> | null> => {
    const chosen = await files.activeVersion()
    if (chosen === null) return null
    const versions = inOrder(chosen, await files.versions())
    return firstWhole(versions, (version) => store.findFile(version, report))
  }
  /** In a new database, which knows no active version, the one that this replica uses becomes active. */
  const adoptOwn = async (): Promise<void> => {
    const artifact = await chosenFile()
    if (!artifact) return
    await choose(artifact)
    await takeUp(artifact)
  }
  /** Replaces a missing or damaged version for now. The database keeps its choice. */
  const standIn = async (): Promise<void> => {
    const artifact = await chosenFile()
    if (artifact) await use(artifact)
  }

  /** Passes on what was chosen while the database was down; see LocalChanges for what wins. */
  const passOn = async (): Promise<void> => {
    const local = await files.localChoice()
    if (!local) return
    const { version, over } = local
    const chosen = await store.active()
    if (chosen !== version && !(chosen === over && (await push(version, over)))) {
      log.warn({ version, active: chosen }, 'a choice made while the database was down does not apply')
    }
    await files.setActiveVersion(version).catch((error: unknown) => {
      log.warn({ err: error }, 'MODEL_PATH cannot be written') // the next sync comes here again, and changes nothing
    })
  }
  const push = async (version: string | null, over: string | null | undefined): Promise<boolean> => {
    if (version === null) return store.push(null, over)
    const artifact = active?.version === version ? active : await store.findFile(version, report)
    return artifact !== null && store.push(artifact, over)
  }

  return {
    get active() {
      return active
    },
    get problems() {
      return problems
    },
    async versionAt(tx, trainedAt) {
      const stored = (await store.versions(tx)).map(({ version }) => version)
      const [newest] = inOrder(null, stored, await files.versions())
      return versionAfter(newest, trainedAt)
    },
    async enter(tx, { model, training }, { version, trainedAt, isActive }) {
      const artifact = { version, trainedAt: trainedAt.toISOString(), training, model }
      await (isActive ? store.activate(tx, artifact, true) : store.keep(tx, artifact))
      return artifact
    },
    takeUpNew(artifact) {
      problems = []
      return takeUp(artifact)
    },
    async sync() {
      await passOn()
      const chosen = await store.active()
      const isNew = chosen !== (active?.version ?? null)
      // While this replica was down a reset did not reach its files.
      if (!isNew && (chosen !== null || (await files.activeVersion()) === null)) return
      problems = []
      if (chosen === undefined) return adoptOwn()
      if (chosen === null) return useNothing()
      const artifact = await store.find(chosen, report)
      if (artifact) await takeUp(artifact)
      else if (!active) await standIn()
    },
    restoreFromFiles: standIn,
    async load() {
      problems = []
      // A version that was refused at its training is not taken unless somebody chooses it.
      const accepted = (await store.versions()).filter(({ refused }) => refused === null)
      const stored = accepted.map(({ version }) => version)
      const versions = inOrder(await store.active(), stored, await files.versions())
      const artifact = await firstWhole(versions, (version) => store.find(version, report))
      if (!artifact) return null
      await choose(artifact)
      return takeUp(artifact)
    },
    async activate(version) {
      const reasons: string[] = []
      if (!isVersion(version)) throw cannotActivate(version, reasons) // it goes into the name of a file
      const artifact = await store.find(version, (problem) => reasons.push(problem))
      if (!artifact) throw cannotActivate(version, reasons)
      await choose(artifact)
      problems = []
      return takeUp(artifact)
    },
    async reset() {
      await sql.begin((tx) => store.choose(tx, null))
      problems = []
      await useNothing()
    },
    versions: () => store.versions(),
    local: {
      async takeUpNew({ model, training }, trainedAt) {
        const [newest] = inOrder(null, await files.versions(), active ? [active.version] : [])
        const version = versionAfter(newest, trainedAt)
        const artifact = { version, trainedAt: trainedAt.toISOString(), training, model }
        await store.keepLocalFile(artifact)
        problems = []
        await use(artifact)
        return artifact
      },
      async load() {
        problems = []
        const versions = inOrder(await files.activeVersion(), await files.versions())
        const artifact = await firstWhole(versions, (version) => store.findFile(version, report))
        if (!artifact) return null
        if (artifact.version !== (await files.activeVersion())) await store.keepLocalFile(artifact)
        return use(artifact)
      },
      async reset() {
        await files.chooseLocally(null)
        problems = []
        swap(null)
      },
    },
    drop: () => swap(null),
  }
}

/** Versions in the order in which they are tried: the chosen one, then the newest. */
function inOrder(chosen: string | null | undefined, ...others: string[][]): Set<string> {
  return new Set([...(chosen ? [chosen] : []), ...others.flat().sort().reverse()])
}

function cannotActivate(version: string, reasons: readonly string[]): ServiceError {
  if (reasons.length > 0) return new ServiceError('MODEL_UNUSABLE', reasons.join(' '))
  const message = `There is no version ${version}. GET /model/versions lists those that are stored.`
  return new ServiceError('MODEL_NOT_FOUND', message)
}
