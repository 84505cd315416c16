import t from 'tap'
import fc from '../../properties.js'
import { BodyReader } from '../../../formats/ingest/body-reader.js'

/** What a reader makes of a text that comes in pieces of this length. */
function read(text: string, { ndjson = false, length = text.length + 1 } = {}) {
  const entries: string[] = []
  const events = {
    entries,
    document: undefined as unknown,
    broken: undefined as string | undefined,
  }
  const reader = new BodyReader(
    {
      onEntry: (entry, { kind, number }) => entries.push(`${kind} ${number}: ${entry.trim()}`),
      onDocument: (value) => (events.document = value),
      onBroken: (what) => (events.broken = what),
    },
    ndjson,
  )
  for (let start = 0; start < text.length; start += length) reader.push(text.slice(start, start + length))
  reader.end()
  return events
}

t.test('a body is recognized by its beginning, however it is cut into pieces', async (t) => {
  const cases: [string, string[]][] = [
    ['{"a":1}\n{"a":2}\n', ['line 1: {"a":1}', 'line 2: {"a":2}']],
    ['\n{"a":1}\r\n\r\n{"a":2}', ['line 2: {"a":1}', 'line 4: {"a":2}']],
    ['{"a":1}\nnot json\n', ['line 1: {"a":1}', 'line 2: not json']],
    ['[{"a":1},{"a":2}]', ['entry 0: {"a":1}', 'entry 1: {"a":2}']],
    [' [ {"a": [1, {"b": "],}\\""}]} ,\n 5 ] \n', ['entry 0: {"a": [1, {"b": "],}\\""}]}', 'entry 1: 5']],
    ['[{"a":"\\\\"},2]', ['entry 0: {"a":"\\\\"}', 'entry 1: 2']],
    ['[]', []],
    ['[1,]', ['entry 0: 1', 'entry 1: ']],
    ['{"a":1}{"a":2} {"a":3}', ['entry 0: {"a":1}', 'entry 1: {"a":2}', 'entry 2: {"a":3}']],
    ['{\n "a": 1\n}\n{\n "a": 2\n}', ['entry 0: {\n "a": 1\n}', 'entry 1: {\n "a": 2\n}']],
  ]
  for (const [text, expected] of cases) {
    for (const length of [text.length + 1, 7, 2, 1]) {
      t.same(read(text, { length }), { entries: expected, document: undefined, broken: undefined }, text)
    }
  }
})

t.test('a body with one value is a document', async (t) => {
  for (const text of ['{"a":1}', '{"a":1}\n', '{\n"a":1}\n\n', ' \n{"a":1}']) {
    for (const length of [100, 1])
      t.same(read(text, { length }), { entries: [], document: { a: 1 }, broken: undefined })
  }
  t.equal(read('5').document, 5)
  t.same(read(''), { entries: [], document: undefined, broken: undefined })
  t.same(
    read('{"a":1}\n', { ndjson: true }).entries,
    ['line 1: {"a":1}'],
    'but not when it is said to be NDJSON',
  )
})

t.test('what is no JSON is told', async (t) => {
  for (const text of ['{"a":', 'hello', '{"a":1}}', '[1', '[1]]', '[1] 2', '[{"a":1]', '{"a":1} x']) {
    t.not(read(text).broken, undefined, text)
  }
})

t.test('a list is cut where JSON.parse would cut it', async (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.jsonValue(), { maxLength: 8 }),
      fc.integer({ min: 1, max: 30 }),
      (list, length) => {
        const { entries, broken } = read(JSON.stringify(list, null, length % 3), { length })
        t.equal(broken, undefined)
        t.same(
          entries.map((entry) => JSON.parse(entry.replace(/^entry \d+: /, '')) as unknown),
          JSON.parse(JSON.stringify(list)),
        )
      },
    ),
    { numRuns: 200 },
  )
})

t.test('an entry and a document may not be endless', async (t) => {
  const mebi = 1 << 20
  const piece = 'x'.repeat(1 << 16)
  for (const start of ['[{"a":"', '{"a":1}\n{"a":"', '{"a":"']) {
    const reader = new BodyReader(
      { onEntry: () => undefined, onDocument: () => undefined, onBroken: () => undefined },
      false,
    )
    reader.push(start)
    let pushed = 0
    t.throws(
      () => {
        for (; pushed < 20 * mebi; pushed += piece.length) reader.push(piece)
      },
      { message: /entry|document/ },
    )
    t.ok(pushed <= 8 * mebi + piece.length, `${start} stops after ${pushed}`)
  }
})
