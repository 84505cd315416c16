import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { friendlyNumber } from '../../models/rate-limit/endpoints/friendly-number.js'
import { TIERS } from '../../models/rate-limit/tiers.js'
import { blocksOf, codesIn, DOCUMENTS, placeOf, read, runnable, tableRows } from './documents.js'

t.test('what is shown as JSON and YAML can be parsed', (t) => {
  for (const block of runnable('json'))
    t.doesNotThrow(() => JSON.parse(block.text) as unknown, placeOf(block))
  const yaml = readdirSync('docs').filter((name) => name.endsWith('.yaml'))
  const texts = [
    ...DOCUMENTS.flatMap(blocksOf)
      .filter(({ language }) => language === 'yaml')
      .map(({ text }) => text),
    ...yaml.map((name) => readFileSync(join('docs', name), 'utf8')),
  ]
  for (const text of texts)
    t.same(
      parseAllDocuments(text).flatMap(({ errors }) => errors),
      [],
    )
  t.end()
})

t.test('the table of variables is what the service reads, with the defaults of .env.example', (t) => {
  const known = [...read('plugins/config.ts').matchAll(/(?:text|number|oneOf|environment)[([]'([A-Z_]+)'/g)]
  const names = new Set(known.map(([, name]) => name!))
  const example = [...read('.env.example').matchAll(/^#?([A-Z_]+)=(.*)$/gm)]
  const defaults = Object.fromEntries(example.map(([, name, value]) => [name, value]))
  const table = tableRows('README.md', 'variable').flatMap(([variables = '', values = '']) => {
    const shown = values.split(' · ')
    return codesIn(variables).map((name, i): [string, string | undefined] => [name, shown[i]])
  })
  t.same(Object.fromEntries(table), defaults)
  t.same(Object.keys(defaults).sort(), [...names].sort())
  for (const document of DOCUMENTS) {
    for (const [cell = ''] of tableRows(document, 'variable')) {
      for (const name of codesIn(cell)) t.ok(names.has(name), `${document} has ${name} in its table`)
    }
  }
  t.end()
})

t.test('the tables of limits are those of the code', (t) => {
  const number = (cell: string | undefined) => Number(cell)
  const tiers = tableRows('docs/limits.md', 'tier').map(([tier = '', times, limit, burst]) => {
    return [codesIn(tier)[0], { times: number(times), limit: number(limit), burst: number(burst) }]
  })
  const ofCode = Object.entries(TIERS).map(([tier, { multiplier, untrainedLimit, untrainedBurst }]) => {
    const burst = Math.trunc(untrainedLimit * untrainedBurst)
    return [tier, { times: multiplier, limit: untrainedLimit, burst }]
  })
  t.same(Object.fromEntries(tiers), Object.fromEntries(ofCode))
  let from = 0
  for (const [below, step] of tableRows('docs/limits.md', 'below')) {
    const value = from + 1.25 * number(step)
    t.equal(friendlyNumber(value), from + number(step), `${value} to steps of ${step}`)
    from = number(below)
  }
  t.end()
})

t.test('what is quoted of the log and of problems is what the code says', (t) => {
  const folders = ['plugins', 'db', 'routes'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  )
  const source = ['server.ts', ...folders]
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(name, 'utf8'))
    .join('\n')
  const quoted = ['`msg`', 'a problem that begins with'].flatMap((header) =>
    tableRows('docs/operating.md', header).flatMap(([cell = '']) => codesIn(cell)),
  )
  t.ok(quoted.length > 15)
  for (const text of quoted) t.ok(source.includes(text), text)
  t.end()
})

t.test('the README keeps its two commands and its size', (t) => {
  const readme = read('README.md')
  t.match(readme, /^npm ci && npm run demo$/m)
  t.match(readme, /^npm ci && npm test$/m)
  t.ok(readme.split('\n').length <= 336)
  t.end()
})
