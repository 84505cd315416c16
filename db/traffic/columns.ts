import type { ISql } from 'postgres'
import { tableShape, type TableShape } from '../table-columns.js'
import type { TrafficTable } from './table.js'

/** The traffic table cannot be used as it is; the message says what is wrong with it. */
export class TrafficTableError extends Error {
  constructor(
    readonly table: TrafficTable,
    /** What is wrong: "lacks the column path, which …". */
    readonly problem: string,
  ) {
    super(`The table ${table} ${problem}.`)
  }
}

/** Types of the column `timestamp` that can be read. Values without a time zone are in TRAFFIC_TIME_ZONE. */
const TIME_TYPES = ['timestamp with time zone', 'timestamp without time zone']

/**
 * The traffic table as it is: a gateway's own may have other columns, types and lengths.
 * @throws TrafficTableError when it lacks one of the needed columns, or its times are not times; PostgresError when it
 * is not there
 */
export async function trafficShape(
  sql: ISql,
  table: TrafficTable,
  needed: readonly string[],
): Promise<TableShape> {
  const shape = await tableShape(sql, table)
  const missing = needed.filter((column) => !shape.columns.has(column))
  if (missing.length > 0) {
    const noun = missing.length === 1 ? 'column' : 'columns'
    throw new TrafficTableError(table, `lacks the ${noun} ${missing.join(', ')}, which rollups are made of`)
  }
  const { type } = shape.columns.get('timestamp')!
  if (TIME_TYPES.includes(type)) return shape
  const allowed = 'allowed is timestamp with or without time zone'
  throw new TrafficTableError(table, `has a column timestamp of the type ${type}; ${allowed}`)
}
