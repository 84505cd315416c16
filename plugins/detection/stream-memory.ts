import type { Sql } from 'postgres'
import type { Log } from '../../db/log.js'
import { forgetStreams, keepStreamMemories, keptStreams } from '../../db/own/streams.js'
import { memoryFromState, memoryToState } from '../../models/stream/memory-state.js'
import type { SourceMemory, Streams } from '../../models/stream/streams.js'
import type { Database } from '../database.js'

/** Stores what is remembered of the sources in the database: best effort, after the answers. */
export interface StreamMemory {
  /** Forgets everything, in memory and in the database. */
  forget(): void
  /** Stores the latest changes. */
  close(): Promise<void>
}

const WRITE_MS = 20_000
const CLOSE_LIMIT_MS = 2_000

/** A source that was silent for longer than this begins anew. */
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
        changed.map(([source, memory]) => [source, memoryToState(memory)]),
      )
      await forgetStreams(sql, Date.now() - LIFE_MS)
    } catch (error) {
      streams.markChanged(changed.map(([source]) => source))
      log.warn({ err: error, sources: changed.length }, 'the memory of sources was not stored')
    }
  }
  const timer = setInterval(() => {
    writing ??= write().finally(() => (writing = undefined))
  }, WRITE_MS).unref()
  try {
    await database.assertUsable()
    const stored = await keptStreams<unknown>(sql, Date.now() - LIFE_MS)
    streams.restore(stored.flatMap(readable))
  } catch (error) {
    log.warn({ err: error }, 'the stored memory of sources cannot be read; the sources begin anew')
  }
  return {
    forget() {
      if (closed) return // at the end of the service the registry is emptied first
      streams.clear()
      // Without the database, the stored memory is forgotten when it is a day old.
      void forgetStreams(sql, Date.now()).catch(() => undefined)
    },
    async close() {
      closed = true
      clearInterval(timer)
      await Promise.race([(writing ?? Promise.resolve()).then(write), pause(CLOSE_LIMIT_MS)])
    },
  }
}

/** A memory in another form is left alone: another release stored it. */
function readable([source, stored]: [string, unknown]): [string, SourceMemory][] {
  const memory = memoryFromState(stored)
  return memory ? [[source, memory]] : []
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms).unref())
}
