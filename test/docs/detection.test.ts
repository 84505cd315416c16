import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import vm from 'node:vm'
import t from 'tap'
import ts from 'typescript'
import { assess, type TimedInterval } from '../../models/anomaly/detector.js'
import { DEFAULT_EFFECTS } from '../../models/anomaly/effects.js'
import { fitAnomalyModel } from '../../models/anomaly/model.js'
import { CERTAIN_GATE, GATE, JOINT_GATE } from '../../models/anomaly/strengths.js'
import { ANOMALY_TYPES, normalized, verdictOf } from '../../models/anomaly/verdict.js'
import { anomalyScores } from '../../models/isolation-forest/anomaly-scores.js'
import { MIN_DAYS, RHYTHMS, SLOT_MINUTES } from '../../models/seasonality/rhythm.js'
import { codesIn, read, tableRows } from './documents.js'

const PAGE = 'docs/detection.md'
const FOLDERS = ['models/seasonality', 'models/anomaly', 'models/stream']

const byFile = new Map<string, vm.Context>()
const number = (cell: string | undefined) => Number(cell?.replace('∞', 'Infinity').replaceAll(',', ''))

t.test('the constants of the page are those of the code', (t) => {
  const rows = tableRows(PAGE, 'constant')
  t.ok(rows.length > 60)
  for (const [name = '', file = '', value] of rows) {
    const [constant] = codesIn(name)
    t.equal(constantOf(codesIn(file)[0]!, constant!), number(value), `${constant} of ${file}`)
  }
  t.end()
})

t.test('rhythms, gates, types and smallest effects are those of the code', (t) => {
  const rhythms = tableRows(PAGE, 'rhythm').map(([name = '', , slots = '', days]) => {
    return [codesIn(name)[0], /^\d/.test(slots) ? parseInt(slots) : SLOT_MINUTES.none, number(days)]
  })
  t.same(
    rhythms,
    RHYTHMS.map((rhythm) => [rhythm, SLOT_MINUTES[rhythm], MIN_DAYS[rhythm]]),
  )
  const gates = tableRows(PAGE, 'gate').map((cells) => cells.slice(0, 5))
  const { traffic, errors } = DEFAULT_EFFECTS
  const ofCode = Object.entries({ GATE, JOINT_GATE, CERTAIN_GATE }).map(([name, { z, effect }]) => {
    const [up, down] = [effect, -effect].map((power) => ((1 + traffic) ** power).toFixed(2))
    const points = (100 * effect * errors).toFixed(1)
    return [`\`${name}\``, String(z), String(effect), `${up} times, ${down} times`, `${points} points`]
  })
  t.same(gates, ofCode)
  t.same(
    tableRows(PAGE, 'type').map(([type = '']) => codesIn(type)[0]),
    ANOMALY_TYPES,
  )
  const effects = tableRows(PAGE, 'variable').map(([, value]) => number(value))
  t.same(effects, Object.values(DEFAULT_EFFECTS))
  t.end()
})

t.test('strength and severity grow with the reach as the page says', (t) => {
  for (const [reach, strength] of tableRows(PAGE, 'reach')) {
    const found = { anomaly: number(reach) >= 1, reach: number(reach) }
    t.equal(normalized(found).toFixed(2), strength, `reach ${reach}`)
  }
  let from = 1
  for (const [severity = '', below, lasting = ''] of tableRows(PAGE, 'severity')) {
    const [until, step] = [number(below), codesIn(severity)[0]]
    for (const reach of [from, until === Infinity ? 100 : until - 0.01]) {
      t.equal(severityOf(reach, 29), step)
      t.equal(severityOf(reach, 30), codesIn(lasting)[0])
    }
    from = until
  }
  t.end()
})

t.test('the reliability table is that of the report', (t) => {
  const rows = tableRows('docs/detection-report.md', 'confidence')
  t.ok(rows.length > 0)
  t.same(tableRows(PAGE, 'confidence'), rows)
  t.end()
})

/** The value of a constant of a file, or of a field of one; undefined where there is none. */
function constantOf(file: string, name: string): unknown {
  const constants = byFile.get(file) ?? constantsOf(file)
  byFile.set(file, constants)
  return name
    .split('.')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], constants)
}

/** Those that are made of literals alone, whether they are exported or not. */
function constantsOf(file: string): vm.Context {
  const folder = FOLDERS.find((folder) => readdirSync(folder).includes(file))
  const source = ts.createSourceFile(file, read(join(folder ?? '', file)), ts.ScriptTarget.ES2022, true)
  const found = vm.createContext({})
  for (const { name, initializer } of source.statements
    .filter(ts.isVariableStatement)
    .flatMap(({ declarationList }) => [...declarationList.declarations])) {
    if (!initializer) continue
    const text = initializer.getText().replace(/ as const$/, '')
    try {
      found[name.getText()] = vm.runInContext(`(${text})`, found) as unknown
    } catch {
      // Made by what is imported.
    }
  }
  return found
}

/** Of an anomaly that goes so far beyond the line, and has lasted so many minutes. */
function severityOf(reach: number, minutes: number): string | null {
  const values = { requests_per_second: 10, avg_latency_ms: 20, p95_latency_ms: 40, p99_latency_ms: 60 }
  const usual = { ...values, error_rate: 0.01 }
  const timesMs = Float64Array.from({ length: 20 }, (_, i) => i * 60_000)
  const samples = Float64Array.from([...timesMs].flatMap(() => Object.values(usual)))
  const model = fitAnomalyModel(
    { samples, timesMs },
    { contamination: 0.1, anomalyThreshold: -0.5, nEstimators: 1, seed: 1 },
  )
  const timed: TimedInterval = { interval: { ...usual, seconds: 60, requests: 600 }, timeMs: 0 }
  const [judged] = assess([timed], model, DEFAULT_EFFECTS, (matrix) => anomalyScores(model.forest, matrix))
  const kinds = { traffic_spike: reach, traffic_drop: 0, latency_spike: 0, error_rate_spike: 0 }
  return verdictOf(judged!, { anomaly: true, reach, kinds, minutes, confirmed: false }, DEFAULT_EFFECTS, 20)
    .severity
}
