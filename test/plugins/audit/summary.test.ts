import t from 'tap'
import { summaryOf, summaryOfText } from '../../../plugins/audit/summary.js'

t.test('a summary keeps what is short, counts what it leaves out, and has no secrets', async (t) => {
  const long = 'x'.repeat(300)
  for (const [name, value, kept] of [
    ['fields', { days: 7, models: ['anomaly'], note: null }, { days: 7, models: ['anomaly'], note: null }],
    ['a long text', long, `${'x'.repeat(199)}…`],
    ['control characters', 'a\u0000b\nc', 'a b c'],
    ['half a character', 'a\ud83d', 'a\ufffd'],
    ['a long list', Array.from({ length: 30 }, (_, i) => i), [...Array(20).keys(), '… 10 more']],
    [
      'depth',
      { a: { b: { c: { d: { e: 1, f: 2 } } }, g: [[[1, 2, 3]]] } },
      { a: { b: { c: { d: '{2 fields}' } }, g: [['[3 entries]']] } },
    ],
    [
      'secrets',
      { password: 'a', api_key: 'b', apiKey: 'c', webhook_secret: { d: 1 }, token: ['e'], monkey: 'f' },
      {
        password: '[removed]',
        api_key: '[removed]',
        apiKey: '[removed]',
        webhook_secret: '[removed]',
        token: '[removed]',
        monkey: 'f',
      },
    ],
    ['nothing', undefined, null],
  ] as const) {
    t.same(summaryOf(value), kept, name)
  }
  t.equal(summaryOfText(long, 10), 'xxxxxxxxx…')
})

t.test('a summary of anything is short', async (t) => {
  const wide = (depth: number): unknown =>
    depth === 0
      ? 'y'.repeat(1000)
      : Object.fromEntries([...Array(50).keys()].map((i) => [`f${i}`, wide(depth - 1)]))
  t.ok(JSON.stringify(summaryOf(wide(3))).length < 25_000)
  t.match(summaryOf(wide(1)), { '…': '30 more' })
})
