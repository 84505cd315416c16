import t from 'tap'
import { copyTextCells } from '../../../formats/export/copy-text.js'
import { csvRow } from '../../../formats/export/csv.js'
import { ENDPOINTS } from '../../../models/synthetic/endpoints.js'
import { requestIds } from '../../../models/synthetic/request-ids.js'
import { COPY_TEXT, CSV, requestRows } from '../../../scripts/generate-synthetic-data/request-rows.js'
import { generateRequests, populationOf } from '../../../models/synthetic/requests.js'
import { pathTemplate } from '../../../models/traffic/path-template.js'

const OPTIONS = { minutes: 5, baseRps: 30, anomalyRate: 0.5, seed: 3, startMs: Date.UTC(2026, 0, 5) }
const population = populationOf(OPTIONS.seed)
const TABLES = ['request_logs', 'request_metrics'] as const

for (const table of TABLES) {
  t.test(`${table}: lines say what the cells say`, async (t) => {
    const copy = requestRows(table, COPY_TEXT, OPTIONS.seed, population)
    const csv = requestRows(table, CSV, OPTIONS.seed, population)
    let rows = 0
    for (const batch of generateRequests(OPTIONS, population)) {
      const cells = Array.from({ length: batch.length }, (_, i) => copy.cells(batch, i))
      t.equal(csv.lines(batch), cells.map(csvRow).join(''))
      const texts = copy.lines(batch).split('\n')
      t.equal(texts.pop(), '')
      const kinds = copy.columns.map((column) =>
        column.kind === 'boolean' ? { ...column, kind: 'text' as const } : column,
      )
      t.strictSame(
        texts.map((text) => copyTextCells(text, kinds)),
        cells.map((row) => row.map((cell) => (typeof cell === 'boolean' ? String(cell) : cell))),
      )
      t.ok(cells.every((row) => row.length === copy.columns.length))
      rows += batch.length
    }
    t.ok(rows > 5000)
  })
}

t.test('raw paths fold into as many templates as there are endpoints', async (t) => {
  const { cells, columns } = requestRows('request_logs', COPY_TEXT, OPTIONS.seed, population)
  const [method, path] = ['method', 'path'].map((name) => columns.findIndex((column) => column.name === name))
  const raw = new Set<string>()
  const folded = new Set<string>()
  for (const batch of generateRequests({ ...OPTIONS, minutes: 30 }, population)) {
    for (let i = 0; i < batch.length; i++) {
      const row = cells(batch, i)
      raw.add(String(row[path!]))
      folded.add(`${row[method!]} ${pathTemplate(String(row[path!]))}`)
    }
  }
  t.ok(raw.size > 1000)
  const templates = ENDPOINTS.map(
    ({ method, path }) => `${method} ${path.replace(/\?.*/, '').replace(/\{\w+\}/g, '{id}')}`,
  )
  t.strictSame([...folded].sort(), templates.sort())
})

t.test('what the gateway adds to request_metrics fits the request', async (t) => {
  const { cells, columns } = requestRows('request_metrics', COPY_TEXT, OPTIONS.seed, population)
  const at = (name: string) => columns.findIndex((column) => column.name === name)
  const cached: boolean[] = []
  for (const batch of generateRequests(OPTIONS, population)) {
    for (let i = 0; i < batch.length; i++) {
      const row = cells(batch, i)
      const status = row[at('status_code')] as number
      if (row[at('rate_limited')] !== (status === 429)) t.fail('rate_limited goes with 429')
      if ((row[at('error')] === null) !== status < 400) t.fail('an error has a message')
      if (status >= 400 && row[at('cached')] === true) t.fail('errors are not cached')
      if (status === 304 && row[at('bytes_out')] !== 0) t.fail('304 has no body')
      cached.push(row[at('cached')] as boolean)
    }
  }
  const share = cached.filter(Boolean).length / cached.length
  t.ok(share > 0.15 && share < 0.45, `${share} from the cache`)
})

t.test('request ids are UUIDs of version 4, no two alike, of the seed', async (t) => {
  const ids = requestIds(1)
  const seen = new Set<string>()
  for (let n = 0; n < 200_000; n++) seen.add(ids.uuid(n))
  t.equal(seen.size, 200_000)
  const shape = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
  t.ok([...seen].slice(0, 1000).every((id) => shape.test(id)))
  t.equal(requestIds(1).uuid(7), ids.uuid(7))
  t.not(requestIds(2).uuid(7), ids.uuid(7))
  t.not(ids.uuid(2 ** 32 + 7), ids.uuid(7))
})
