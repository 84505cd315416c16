import fp from 'fastify-plugin'
import type { Sql } from 'postgres'
import { describeDatabaseError } from '../db/errors.js'
import type { Log } from '../db/log.js'
import type { TrafficTable } from '../db/traffic/table.js'
import { otherTable, tableOfAuto, tablesWithRows } from '../db/traffic/tables-with-rows.js'
import type { Config } from './config.js'

/**
 * The traffic table in use. It never fails: while the database is away it is the one chosen last, request_logs at
 * first.
 */
export type CurrentTable = () => Promise<TrafficTable>

export interface CurrentTableOptions {
  readonly sql: Sql
  readonly choice: Config['trafficTable']
  readonly log: Pick<Log, 'info' | 'warn'>
}

declare module 'fastify' {
  interface FastifyInstance {
    trafficTable: CurrentTable
  }
}

/**
 * With `auto`, the table that has rows is chosen for the life of the process. As long as neither has any, each call
 * looks again: a gateway may begin to write at any time.
 */
export function createCurrentTable({ sql, choice, log }: CurrentTableOptions): CurrentTable {
  if (choice !== 'auto') return async () => choice
  let table: TrafficTable = 'request_logs'
  let isSettled = false
  let looking: Promise<TrafficTable> | undefined
  let said: string | undefined

  const say = (level: 'info' | 'warn', message: string) => {
    if (message === said) return
    said = message
    log[level]({ table }, message)
  }
  const look = async (): Promise<TrafficTable> => {
    try {
      const withRows = await tablesWithRows(sql)
      table = tableOfAuto(withRows)
      isSettled = withRows.length > 0
      const other = otherTable(table)
      if (withRows.length === 1) say('info', `the requests are those of ${table}`)
      else
        say(
          'warn',
          `${describe(withRows.length)}: ${table} is used, not ${other}; TRAFFIC_TABLE=${other} selects that`,
        )
    } catch (error) {
      say('warn', `the traffic table cannot be chosen yet (${describeDatabaseError(error)})`)
    }
    return table
  }
  return async () => {
    if (isSettled) return table
    looking ??= look().finally(() => (looking = undefined))
    return looking
  }
}

const describe = (count: number) =>
  count === 0 ? 'neither traffic table has rows' : 'both traffic tables have rows'

/** `fastify.trafficTable`. */
export default fp(
  async (app) => {
    const { trafficSql, config, log } = app
    const current = createCurrentTable({ sql: trafficSql, choice: config.trafficTable, log })
    app.decorate('trafficTable', current)
    // The log says at the start which table it is. Nothing waits for that: the database may be away.
    app.addHook('onReady', async () => void current())
  },
  { name: 'traffic-table', dependencies: ['config', 'database'] },
)
