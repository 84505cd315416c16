import { parse } from 'csv-parse/sync'
import t from 'tap'
import fc from '../../properties.js'
import { CopyTextRows, copyTextCells } from '../../../formats/export/copy-text.js'
import { CrlfLines } from '../../../formats/export/crlf.js'
import { csvCell, csvRow, neutralised } from '../../../formats/export/csv.js'
import { jsonRow } from '../../../formats/export/json.js'
import { parquetSchema, parquetValue } from '../../../formats/export/parquet.js'

const COLUMNS = [
  { name: 'a', kind: 'text' },
  { name: 'b', kind: 'text' },
] as const

const text = fc.string({ unit: 'grapheme' })

t.test('texts that begin like a formula are neutralised, numbers and times are not', async (t) => {
  for (const start of ['=', '+', '-', '@', '\t', '\r', '\n']) {
    t.equal(neutralised(`${start}1+1`), `'${start}1+1`)
    t.match(csvCell(`${start}1`), /^"?'/)
  }
  t.equal(neutralised('1=1'), '1=1')
  t.equal(csvCell(-5), '-5')
  t.equal(csvCell(new Date(0)), '1970-01-01T00:00:00.000Z')
})

t.test('a cell without a value is empty, an empty text is quoted', async (t) => {
  t.equal(csvRow([null, '', 0, 0.1]), ',"",0,0.1\r\n')
})

t.test('any texts and numbers come back out of CSV', async () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(text, fc.double({ noNaN: true })), { minLength: 1 }), (rows) => {
      const read = parse(rows.map(csvRow).join(''), { record_delimiter: '\r\n' }) as string[][]
      return rows.every(([cell, number], index) => {
        const [first, second] = read[index]!
        return (
          first === neutralised(cell) &&
          Object.is(Number(second), number === 0 ? Number(String(number)) : number)
        )
      })
    }),
  )
})

t.test('JSON keeps the order of the columns and what has no value', async (t) => {
  t.equal(jsonRow(COLUMNS, ['"', null]), '{"a":"\\"","b":null}')
})

t.test('line ends become CR LF but within quotes, however the text is cut', async () => {
  const cell = fc.oneof(text, fc.constantFrom('\n', '\r\n', '"', 'a\nb', ''))
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell)), fc.nat(), (rows, seed) => {
      const quoted = (each: string) => `"${each.replaceAll('"', '""')}"`
      const line = (end: string) => rows.map((row) => row.map(quoted).join(',') + end).join('')
      const bytes = Buffer.from(line('\n'))
      const cut = seed % (bytes.length + 1)
      const lines = new CrlfLines()
      const converted = [bytes.subarray(0, cut), bytes.subarray(cut)].map((piece) => lines.convert(piece))
      return Buffer.concat(converted).toString() === line('\r\n') && lines.lines === rows.length
    }),
  )
})

t.test("COPY's text format is read, however it is cut", async (t) => {
  const escaped = (each: string) =>
    each.replace(/[\\\b\f\n\r\t\v]/g, (code) => `\\${'\\bfnrtv'['\\\b\f\n\r\t\v'.indexOf(code)]!}`)
  fc.assert(
    fc.property(fc.array(fc.tuple(text, fc.option(text)), { minLength: 1 }), fc.nat(), (rows, seed) => {
      const copied = rows.map(
        (row) => row.map((each) => (each === null ? '\\N' : escaped(each))).join('\t') + '\n',
      )
      const bytes = Buffer.from(copied.join(''))
      const cut = seed % (bytes.length + 1)
      const reader = new CopyTextRows(COLUMNS)
      const read = [...reader.take(bytes.subarray(0, cut)), ...reader.take(bytes.subarray(cut))]
      return JSON.stringify(read) === JSON.stringify(rows)
    }),
  )
  const columns = [
    { name: 'at', kind: 'time' },
    { name: 'n', kind: 'integer' },
    { name: 'x', kind: 'number' },
  ] as const
  t.same(copyTextCells('2026-01-01T00:00:00.000Z\t3\t1e-07', columns), [new Date('2026-01-01'), 3, 1e-7])
})

t.test('Parquet keeps whole numbers whole and knows no value', async (t) => {
  t.equal(parquetValue('integer', 3), 3n)
  t.equal(parquetValue('integer', null), null)
  t.equal(parquetValue('number', 0.5), 0.5)
  t.match(parquetSchema(COLUMNS), [{ num_children: 2 }, { name: 'a', type: 'BYTE_ARRAY' }, { name: 'b' }])
})
