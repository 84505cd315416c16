import type { Cell, Column } from '../../formats/export/column.js'
import { csvHeader, csvRow } from '../../formats/export/csv.js'
import { jsonRow } from '../../formats/export/json.js'
import type { Bucket } from '../../formats/export/traffic-columns.js'

export type ExportFormat = 'csv' | 'json' | 'ndjson'

interface About {
  readonly bucket: Bucket
  readonly from: Date
  readonly to: Date
}

type Pages = AsyncIterable<readonly (readonly Cell[])[]>

/**
 * Rows as text, page by page. JSON is the rest of an object, from the rows as `data` on: what is to be known about them
 * follows. The object is open: the caller adds what comes last.
 */
export async function* exportText(
  format: ExportFormat,
  columns: readonly Column[],
  pages: Pages,
  about: About,
): AsyncGenerator<string, void> {
  if (format === 'json') return yield* jsonObject(columns, pages, about)
  let before = format === 'csv' ? csvHeader(columns) : ''
  const lineOf = format === 'csv' ? csvRow : (row: readonly Cell[]) => `${jsonRow(columns, row)}\n`
  for await (const rows of pages) {
    yield before + rows.map(lineOf).join('')
    before = ''
  }
}

async function* jsonObject(columns: readonly Column[], pages: Pages, { bucket, from, to }: About) {
  let count = 0
  yield '"data":['
  for await (const rows of pages) {
    const text = rows.map((row) => jsonRow(columns, row)).join(',')
    if (text !== '') yield count === 0 ? text : `,${text}`
    count += rows.length
  }
  yield `],"count":${count},"bucket":${JSON.stringify(bucket)},"from":${JSON.stringify(from)},"to":${JSON.stringify(to)}`
}
