import type { Sql } from 'postgres'
import { withTimeLimit } from '../db/with-time-limit.js'
import { orAborted } from '../db/or-aborted.js'
import { followedRules } from '../db/traffic/endpoint-folding.js'
import { updateRollups } from '../db/traffic/rollups.js'
import type { CurrentTable } from './traffic-table.js'

interface RefreshOptions extends Omit<Parameters<typeof updateRollups>[1], 'table' | 'signal' | 'now'> {
  readonly currentTable: CurrentTable
  readonly now: () => Date
  readonly stopping: AbortSignal
}

/** Brings the rollups up to date before they are read. @returns false where they may lack requests */
export type Refresh = () => Promise<boolean>

/** An update that takes longer is not worth waiting for: it ends, and keeps the chunks that are done. */
const MAX_UPDATE_MS = 2_000

/**
 * Readers at the same time share an update, which follows the path rules that were followed before: to read changes no rules.
 * A failure is logged; the rollups are then as they were.
 */
export function createRefresh(
  sql: Sql,
  { currentTable, now, stopping, ...options }: RefreshOptions,
): Refresh {
  let underWay: Promise<boolean> | undefined
  const refresh = async (): Promise<boolean> => {
    const update = async (signal: AbortSignal) => {
      const table = await currentTable()
      const pathRules = (await followedRules(sql, table)) ?? options.pathRules
      await updateRollups(sql, { ...options, table, pathRules, now: now(), signal })
    }
    let isLate = false
    try {
      await withTimeLimit(MAX_UPDATE_MS, stopping, (limited) => {
        limited.addEventListener('abort', () => (isLate = true))
        return orAborted(update(limited), limited)
      })
      return true
    } catch (error) {
      const isEnded = isLate || stopping.aborted
      if (!isEnded) options.log.info({ err: error }, 'the rollups could not be brought up to date')
      return false
    }
  }
  return () =>
    (underWay ??= refresh().finally(() => {
      underWay = undefined
    }))
}
