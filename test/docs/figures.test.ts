import { POSTGRES_VARIABLES } from '../plugins/postgres-variables.js'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { FIGURES, targetText } from '../../eval/limits/print.js'
import { confidence } from '../../models/rate-limit/confidence.js'
import { friendlyNumber } from '../../models/rate-limit/endpoints/friendly-number.js'
import { strategyMultiplier, type Strategy } from '../../models/rate-limit/strategies.js'
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
  const known = [
    ...read('plugins/config.ts').matchAll(/(?:text|number|oneOf|environment)[([]'([A-Z0-9_]+)'/g),
  ]
  const ofPostgres = POSTGRES_VARIABLES.flatMap((name) => [`POSTGRES_${name}`, `TRAFFIC_POSTGRES_${name}`])
  const names = new Set([...known.map(([, name]) => name!), ...ofPostgres])
  const example = [...read('.env.example').matchAll(/^#?([A-Z0-9_]+)=(.*)$/gm)]
  const defaults = Object.fromEntries(example.map(([, name, value]) => [name, value]))
  const table = tableRows('README.md', 'variable').flatMap(([variables = '', values = '']) => {
    const shown = values.split(' · ')
    return codesIn(variables).map((name, i): [string, string] => [name, shown[i] ?? ''])
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

t.test('the strategies of limits are those of the code', (t) => {
  const calm = { timeOfDayVariance: 0, errorRate: 0, avgLatencyMs: 0 }
  const rows = tableRows('docs/limits.md', 'strategy').map(
    ([name = '', times]) => [codesIn(name)[0]!, times] as const,
  )
  t.same(rows.map(([name]) => name).sort(), ['adaptive', 'balanced', 'conservative', 'permissive'])
  for (const [name, times] of rows) {
    if (name !== 'adaptive') t.equal(strategyMultiplier(name as Strategy, calm), Number(times), name)
  }
  t.end()
})

t.test('the shares of the confidence are those of the code', (t) => {
  const steady = { requests: 1e15, days: 1000, interval: { lower: 5, upper: 5 }, limit: 5 }
  const formulas = new Map(
    tableRows('docs/limits.md', 'share').map(([share = '', formula = '']) => [share, formula]),
  )
  const numberIn = (share: RegExp): number => {
    const [, formula] = [...formulas].find(([name]) => share.test(name))!
    return Number(/(\d+)\)/.exec(formula)![1])
  }
  t.equal(confidence({ ...steady, requests: numberIn(/^requests/) }), 0.5, 'n / (n + this)')
  t.equal(confidence({ ...steady, days: numberIn(/^days/) / 4 }), 0.5, 'the root of a quarter')
  t.equal(confidence({ ...steady, clients: numberIn(/^clients/) }), 0.5, 'c / (c + this)')
  t.equal(confidence({ ...steady, interval: { lower: 5, upper: 10 } }), 0.5, 'as wide as the limit')
  t.equal(confidence({ ...steady, kept: 0.5 }), 0.5)
  t.end()
})

t.test('the figures of the limits have the titles and the targets of the evaluation', (t) => {
  const lines = read('docs/limits.md').split('\n')
  for (const figure of FIGURES) {
    const shown = lines.filter((line) => line.startsWith(figure.title))
    t.ok(shown.length > 1, figure.title)
    for (const line of shown) if (!line.endsWith('none')) t.ok(line.includes(targetText(figure)), line)
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
