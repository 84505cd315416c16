import type { Cell } from '../../formats/export/column.js'

/** Writes rows in one of the formats, in memory that does not grow with their number. */
export interface RowWriter {
  write(rows: readonly (readonly Cell[])[]): Promise<void>
  /** Writes what comes after the last row. */
  finish(): Promise<void>
}
