import { readFileSync } from 'node:fs'
import t from 'tap'
import { tableRows } from './documents.js'

t.test('every promise of docs/reliability.md names a test that exists', (t) => {
  const promises = tableRows('docs/reliability.md', 'promise')
  t.ok(promises.length >= 7)
  for (const [promise = '', tests = ''] of promises) {
    const named = [...tests.matchAll(/`(test\/[^`]+\.test\.ts)`: "([^"]+)"/g)]
    t.ok(named.length > 0, promise.slice(0, 60))
    for (const [, file, sentence] of named) {
      t.ok(readFileSync(file!, 'utf8').includes(`'${sentence}'`), `${file}: ${sentence}`)
    }
  }
  t.end()
})
