import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { Sql } from 'postgres'
import { inSlices } from '../../db/in-slices.js'
import { readWatchSnapshot, writeWatchSnapshot } from '../../db/own/watch-state.js'
import { decodeStates, encodeStates, type WatchStates } from '../../models/watch/series-state.js'

const zip = promisify(gzip)
const unzip = promisify<Buffer, Buffer>(gunzip)

/** The states of all series before a minute. */
export interface KeptStates {
  readonly atMs: number
  /** The watch model that they were judged with. */
  readonly model: string
  readonly states: WatchStates
}

/** Stores the states, unless the watcher has come further meanwhile. */
export async function keepStates(sql: Sql, { atMs, model, states }: KeptStates): Promise<void> {
  const bytes = await zip(await inSlices(encodeStates(states)))
  await writeWatchSnapshot(sql, { atMs, model, states: bytes })
}

/** The states that were stored last; null without any, or when another release stored them in another form. */
export async function keptStates(sql: Sql): Promise<KeptStates | null> {
  const stored = await readWatchSnapshot(sql)
  if (stored === null || stored.model === null) return null
  const states = await inSlices(decodeStates((await unzip(stored.states)).toString()))
  return states && { atMs: stored.atMs, model: stored.model, states }
}
