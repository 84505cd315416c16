import type { Cell, Column } from './column.js'

/** A row as a JSON object, the columns in their order. Times are ISO-8601 in UTC; numbers read back as the same. */
export function jsonRow(columns: readonly Column[], cells: readonly Cell[]): string {
  const fields = columns.map(({ name }, index) => `${JSON.stringify(name)}:${JSON.stringify(cells[index])}`)
  return `{${fields.join(',')}}`
}
