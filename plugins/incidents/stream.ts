import { setTimeout as delay } from 'node:timers/promises'
import type { Sql } from 'postgres'
import type { Log } from '../../db/log.js'
import { lastRevision, writesAfter, type EntryKind, type StoredIncident } from '../../db/own/incidents.js'
import { ServiceError } from '../http/errors.js'
import type { IncidentFeed } from './feed.js'

/** What a follower of the incidents gets. */
export type IncidentEvent =
  /** The first one: where the stream begins. */
  | { readonly name: 'ready'; readonly revision: number }
  | {
      readonly name: 'opened' | 'changed' | 'ended' | 'marked'
      readonly revision: number
      /** What was written; null for new figures alone. */
      readonly kind: EntryKind | null
      /** As it is now. */
      readonly incident: StoredIncident
    }
  /** Nothing has happened for a while. */
  | { readonly name: 'heartbeat' }

export interface IncidentStreams {
  /**
   * Yields each write of an incident after a revision once, in order, until the signal is aborted.
   * @param after null: from now on
   * @throws ServiceError BUSY, DATABASE_UNAVAILABLE
   */
  follow(after: number | null, signal: AbortSignal): Promise<AsyncGenerator<IncidentEvent>>
}

export interface IncidentStreamsOptions {
  readonly sql: Sql
  readonly feed: IncidentFeed
  readonly log: Pick<Log, 'debug'>
  readonly maxStreams?: number
  readonly heartbeatMs?: number
}

const MAX_STREAMS = 100
const HEARTBEAT_MS = 15_000
/** Writes read at a time: all that is held for a reader, however far behind it is. */
const PAGE = 50
const RETRY_MS = 1_000

const NAMES: Readonly<Record<EntryKind, 'opened' | 'changed' | 'ended' | 'marked'>> = {
  opened: 'opened',
  changed: 'changed',
  reopened: 'changed',
  ended: 'ended',
  acknowledged: 'marked',
  resolved: 'marked',
  false_positive: 'marked',
  comment: 'marked',
  limit_applied: 'changed',
  limit_ended: 'changed',
}

export function createIncidentStreams(options: IncidentStreamsOptions): IncidentStreams {
  const { sql, feed, log, maxStreams = MAX_STREAMS, heartbeatMs = HEARTBEAT_MS } = options
  let streams = 0

  const pageAfter = (revision: number, signal: AbortSignal) =>
    writesAfter(sql, revision, PAGE).catch(async (error: unknown) => {
      log.debug({ err: error }, 'the incidents cannot be read; their followers wait')
      await delay(RETRY_MS, undefined, { signal }).catch(() => undefined)
      return []
    })

  async function* events(after: number, signal: AbortSignal): AsyncGenerator<IncidentEvent> {
    let reached = after
    yield { name: 'ready', revision: reached }
    while (!signal.aborted) {
      const { changes } = feed
      const writes = await pageAfter(reached, signal)
      for (const { revision, kind, incident } of writes) {
        if (signal.aborted) return
        reached = revision
        yield { name: kind === null ? 'changed' : NAMES[kind], revision, kind, incident }
      }
      if (writes.length > 0) continue
      const sinceMs = performance.now()
      await feed.next(changes, heartbeatMs, signal)
      if (!signal.aborted && performance.now() - sinceMs >= heartbeatMs - 1) yield { name: 'heartbeat' }
    }
  }

  return {
    async follow(after, signal) {
      if (streams >= maxStreams) {
        const message = `${maxStreams} readers follow the incidents on this replica. Try again shortly, or read GET /incidents.`
        throw new ServiceError('BUSY', message)
      }
      streams++
      const free = once(() => streams--)
      signal.addEventListener('abort', free, { once: true })
      try {
        signal.throwIfAborted() // it would free nothing any more
        const last = await lastRevision(sql)
        // A revision from the future is of another database.
        return events(after === null ? last : Math.min(after, last), signal)
      } catch (error) {
        free()
        throw error
      }
    },
  }
}

function once(work: () => void): () => void {
  let isDone = false
  return () => {
    if (!isDone) work()
    isDone = true
  }
}
