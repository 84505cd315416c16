import type { Cell, Column, Kind } from './column.js'

const ELEMENTS = {
  time: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
  integer: { type: 'INT64' },
  number: { type: 'DOUBLE' },
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  boolean: { type: 'BOOLEAN' },
} as const

/** The schema of a Parquet file with these columns: a flat group, every column with room for "no value". */
export function parquetSchema(columns: readonly Column[]) {
  return [
    { name: 'root', num_children: columns.length },
    ...columns.map(({ name, kind }) => ({
      name,
      ...ELEMENTS[kind],
      repetition_type: 'OPTIONAL' as const,
    })),
  ]
}

/**
 * A cell as Parquet stores it: whole numbers as bigint, times by their milliseconds.
 * @throws RangeError on a whole number that is none
 */
export function parquetValue(kind: Kind, cell: Cell): bigint | Cell {
  return kind === 'integer' && cell !== null ? BigInt(cell as number) : cell
}
