import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import type { Cell, Column } from '../../formats/export/column.js'
import { parquetSchema, parquetValue } from '../../formats/export/parquet.js'
import type { Output } from './output.js'

/** Rows per row group: few enough to need little memory, many enough to compress well. */
const GROUP_ROWS = 10_000

export function createParquetWriter(columns: readonly Column[], output: Output) {
  const bytes = new ByteWriter(1024 * 1024)
  const parquet = new ParquetWriter({
    writer: bytes,
    schema: parquetSchema(columns),
    createdBy: 'aegis-ml',
  })
  let group = columns.map((): ReturnType<typeof parquetValue>[] => [])

  /** Writes the encoded bytes. The Parquet writer tracks the file offset. */
  const flush = async () => {
    const encoded = bytes.getBytes().slice()
    bytes.index = 0
    await output.write(encoded)
  }
  const writeGroup = async () => {
    const rows = group[0]!.length
    if (rows === 0) return
    const columnData = columns.map(({ name }, index) => ({ name, data: group[index]! }))
    await parquet.write({ columnData, rowGroupSize: rows })
    group = columns.map(() => [])
    await flush()
  }
  return {
    async write(rows: readonly (readonly Cell[])[]) {
      for (const row of rows) {
        columns.forEach(({ kind }, index) => group[index]!.push(parquetValue(kind, row[index]!)))
        if (group[0]!.length === GROUP_ROWS) await writeGroup()
      }
    },
    async finish() {
      await writeGroup()
      await parquet.finish()
      await flush()
    },
  }
}
