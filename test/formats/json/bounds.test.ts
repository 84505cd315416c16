import t from 'tap'
import { JsonBounds, JsonBoundsError } from '../../../formats/json/bounds.js'
import fc from '../../properties.js'

/** What is wrong with a text that arrives in pieces of these lengths, or how many objects it has. */
function problemOf(text: string, lengths: readonly number[] = []): string | number {
  const bounds = new JsonBounds()
  const bytes = Buffer.from(text)
  let at = 0
  try {
    for (const length of [...lengths, bytes.length]) {
      bounds.push(bytes.subarray(at, at + length))
      at += length
    }
    return bounds.objects
  } catch (error) {
    if (!(error instanceof JsonBoundsError)) throw error
    return error.message
  }
}

const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
const keys = (count: number) => `{${Array.from({ length: count }, (_, i) => `"${i}":1`).join()}}`

t.test(
  'JSON with more of something than is allowed is refused, and the same with a little less is not',
  (t) => {
    const cases: [string, string, RegExp][] = [
      [nested(64), nested(65), /more than 64 levels/],
      [`{"a":${nested(63)}}`, `{"a":${nested(64)}}`, /more than 64 levels/],
      [keys(5000), keys(5001), /more than 5000 fields/],
      [`[${keys(5000)},${keys(5000)}]`, `[${keys(5000)},{"a":${keys(5001)}}]`, /more than 5000 fields/],
      [`{"${'k'.repeat(1000)}":1}`, `{"${'k'.repeat(1001)}":1}`, /more than 1000 bytes/],
      [`[${'1,'.repeat(499_999)}1]`, `[${'1,'.repeat(500_000)}1]`, /more than 500000 values/],
      [`[${'{},'.repeat(249_999)}1]`, `[${'{},'.repeat(250_000)}{}]`, /more than 500000 values/],
    ]
    for (const [allowed, refused, problem] of cases) {
      t.type(problemOf(allowed), 'number')
      t.match(String(problemOf(refused)), problem)
    }
    t.end()
  },
)

t.test('what stands in a text is not counted', (t) => {
  for (const text of ['[', '{', ':', ',', '\\"[', '\\\\', 'é', '\\u005b']) {
    t.equal(problemOf(`{"a":"${text.repeat(100_000)}"}`), 1, text)
  }
  t.match(String(problemOf(`["\\\\",${nested(64)}]`)), /levels/, 'a text that ends with a backslash')
  t.end()
})

t.test('bytes that are no JSON are counted, and nothing fails', (t) => {
  for (const text of ['', ']]]]', '"', '"\\', '}'.repeat(1000), '\0'.repeat(1000)]) {
    t.equal(problemOf(text), 0)
  }
  t.end()
})

t.test('objects are counted, and the pieces in which the text arrives make no difference', (t) => {
  const bounds = new JsonBounds()
  bounds.push(Buffer.from('{"a":[{},{"b":"{{"},[],{}]}'))
  t.equal(bounds.objects, 4)
  const text = fc.array(fc.constantFrom('[', ']', '{', '}', '"', '\\', ',', ':', 'a', 'é', nested(64)), {
    maxLength: 200,
  })
  fc.assert(
    fc.property(text, fc.array(fc.nat(40)), (parts, lengths) => {
      t.equal(problemOf(parts.join(''), lengths), problemOf(parts.join('')))
    }),
  )
  t.end()
})
