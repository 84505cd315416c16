import type { Sql } from 'postgres'
import type { TrafficTable } from '../../db/traffic/table.js'
import { otherTable, tableOfAuto, tablesWithRows } from '../../db/traffic/tables-with-rows.js'

/** The table of the flag --table, or else of TRAFFIC_TABLE; auto is the one that has rows. */
export async function chosenTable(sql: Sql, choice: TrafficTable | 'auto'): Promise<TrafficTable> {
  if (choice !== 'auto') return choice
  const withRows = await tablesWithRows(sql)
  const table = tableOfAuto(withRows)
  if (withRows.length > 1) {
    const other = otherTable(table)
    process.stderr.write(
      `Both traffic tables have rows; this is ${table}. --table ${other} selects the other.\n`,
    )
  }
  return table
}
