import type { Sql } from 'postgres'
import type { Log } from '../../db/log.js'
import { forgetStreams, keepStreamMemories, keptStreams } from '../../db/own/streams.js'
import type { SourceMemory, Streams } from '../../models/stream/streams.js'
import type { Database } from '../database.js'

/** What is remembered of the sources, kept in the database: best effort, after the answers. */
export interface StreamMemory {
  /** Forgets all of it, here and there. */
  forget(): void
  /** Writes once more what has changed. */
  close(): Promise<void>
}

/** Of the form in which it is kept: what another release has kept in another form is left alone. */
const VERSION = 3

const WRITE_MS = 20_000
const CLOSE_LIMIT_MS = 2_000

/** Sources that were silent for so long begin anew. */
const LIFE_MS = 24 * 3_600_000

export interface StreamMemoryOptions {
  readonly streams: Streams
  readonly sql: Sql
  readonly database: Pick<Database, 'assertUsable'>
  readonly log: Pick<Log, 'warn'>
}

export async function keepStreams({
  streams,
  sql,
  database,
  log,
}: StreamMemoryOptions): Promise<StreamMemory> {
  let writing: Promise<void> | undefined
  let closed = false
  const write = async (): Promise<void> => {
    const changed = streams.takeChanged()
    try {
      await database.assertUsable()
      await keepStreamMemories(
        sql,
        changed.map(([source, memory]) => [source, { version: VERSION, ...memory }]),
      )
      await forgetStreams(sql, Date.now() - LIFE_MS)
    } catch (error) {
      streams.markChanged(changed.map(([source]) => source))
      log.warn({ err: error, sources: changed.length }, 'what is remembered of sources was not kept')
    }
  }
  const timer = setInterval(() => {
    writing ??= write().finally(() => (writing = undefined))
  }, WRITE_MS).unref()
  try {
    await database.assertUsable()
    const kept = await keptStreams<SourceMemory & { version: number }>(sql, Date.now() - LIFE_MS)
    streams.restore(kept.filter(([, { version }]) => version === VERSION))
  } catch (error) {
    log.warn({ err: error }, 'what was remembered of sources cannot be read; they begin anew')
  }
  return {
    forget() {
      if (closed) return // the models leave before the service does
      streams.clear()
      // While the database is away it is forgotten here alone, and there when it is a day old.
      void forgetStreams(sql, Date.now()).catch(() => undefined)
    },
    async close() {
      closed = true
      clearInterval(timer)
      await Promise.race([(writing ?? Promise.resolve()).then(write), pause(CLOSE_LIMIT_MS)])
    },
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms).unref())
}
