import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { missingProgram } from '../missing-program.js'
import { read } from './documents.js'

const FOLDER = 'docs/monitoring'
const skip = missingProgram('promtool')

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert?: string
      readonly record?: string
      readonly labels?: { readonly severity: string }
    }[]
  }[]
}

const rules = (parse(read(`${FOLDER}/aegis-ml.rules.yml`)) as Rules).groups.flatMap((group) => group.rules)
const alerts = rules.flatMap(({ alert }) => alert ?? [])

function succeeds(t: Test, program: string, ...parameters: string[]): void {
  const { status, stdout, stderr } = spawnSync(program, parameters, { cwd: FOLDER, encoding: 'utf8' })
  t.equal(status, 0, `${program} ${parameters.join(' ')}\n${stdout}${stderr}`)
}

t.test('promtool accepts the rules and the configuration, and their unit tests pass', { skip }, (t) => {
  succeeds(t, 'promtool', 'check', 'rules', 'aegis-ml.rules.yml')
  succeeds(t, 'promtool', 'check', 'config', '--syntax-only', 'prometheus.yml')
  succeeds(t, 'promtool', 'test', 'rules', 'aegis-ml.rules.test.yml')
  t.end()
})

t.test('amtool accepts the configuration of Alertmanager', { skip: missingProgram('amtool') }, (t) => {
  succeeds(t, 'amtool', 'check-config', 'alertmanager.yml')
  const named = read(`${FOLDER}/alertmanager.yml`)
    .match(/AegisMl\((.*?)\)/)![1]!
    .split('|')
  t.same(
    named.filter((name) => !alerts.includes(`AegisMl${name}`)),
    [],
    'what is inhibited exists',
  )
  t.end()
})

t.test('each alert is tested, once where it fires and once where it does not', (t) => {
  const { tests } = parse(read(`${FOLDER}/aegis-ml.rules.test.yml`)) as {
    tests: { alert_rule_test: { alertname: string; exp_alerts?: unknown[] }[] }[]
  }
  const cases = tests.flatMap(({ alert_rule_test }) => alert_rule_test)
  for (const alert of alerts) {
    const ofAlert = cases.filter(({ alertname }) => alertname === alert)
    t.ok(
      ofAlert.some(({ exp_alerts }) => exp_alerts !== undefined),
      `${alert} fires`,
    )
    t.ok(
      ofAlert.some(({ exp_alerts }) => exp_alerts === undefined),
      `${alert} is quiet`,
    )
  }
  t.end()
})

t.test('docs/monitoring.md lists each alert with its severity', (t) => {
  const page = read('docs/monitoring.md')
  const listed = [...page.matchAll(/^\| `(AegisMl\w+)` \| (\w+) \|/gm)].map(([, name, severity]) => [
    name,
    severity,
  ])
  const expected = rules.flatMap(({ alert, labels }) => (alert ? [[alert, labels!.severity]] : []))
  t.same(listed.sort(), expected.sort())
  t.end()
})

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: {
    readonly x: number
    readonly y: number
    readonly w: number
    readonly h: number
  }
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[]
}

t.test('the panels of the dashboard have places and ids of their own, and queries', (t) => {
  const { panels, templating } = JSON.parse(readFileSync(`${FOLDER}/grafana-dashboard.json`, 'utf8')) as {
    panels: Panel[]
    templating: { list: { name: string }[] }
  }
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  const taken = new Map<string, string>()
  const variables = new Set(templating.list.map(({ name }) => name))
  for (const { title, type, gridPos, targets = [] } of panels) {
    t.ok(gridPos.x >= 0 && gridPos.x + gridPos.w <= 24, `${title} is within the page`)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        const place = `${x} ${y}`
        if (taken.has(place)) t.fail(`${title} lies on ${taken.get(place)}`)
        taken.set(place, title)
      }
    t.equal(targets.length > 0, type !== 'row', title)
    t.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length)
    for (const { expr } of targets)
      for (const [, name] of expr.matchAll(/\$(\w+)/g))
        t.ok(name === '__rate_interval' || variables.has(name!), `${title}: $${name}`)
  }
  t.end()
})
