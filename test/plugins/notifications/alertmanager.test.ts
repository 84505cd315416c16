import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { freePort } from '../../e2e/process.js'
import { eventually } from '../../eventually.js'
import { missingProgram } from '../../missing-program.js'
import { testDirectory } from '../../postgres.js'
import { testService } from '../../service.js'
import { anIncident } from '../incidents/an-incident.js'
import { hurry, settle, tell } from './receiver.js'

const PROGRAM = 'prometheus-alertmanager'

interface Alertmanager {
  readonly url: string
  start(): Promise<void>
  stop(): Promise<void>
}

/** A real Alertmanager, which keeps its alerts in memory. Stopped after the test. */
async function anAlertmanager(t: Test): Promise<Alertmanager> {
  const folder = await testDirectory(t)
  const config = join(folder, 'alertmanager.yml')
  await writeFile(config, 'route: {receiver: nobody}\nreceivers: [{name: nobody}]\n')
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/am`
  let child: ChildProcess | undefined
  const stop = async () => {
    if (child === undefined) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    child = undefined
  }
  t.teardown(stop)
  const start = async () => {
    const flags = ['--cluster.listen-address=', `--web.external-url=${url}`, `--storage.path=${folder}`]
    const listen = `--web.listen-address=127.0.0.1:${port}`
    child = spawn(PROGRAM, [`--config.file=${config}`, listen, ...flags], { stdio: 'ignore' })
    await eventually(async () => (await fetch(`${url}/-/ready`).catch(() => undefined))?.ok, {
      what: 'an answer of Alertmanager',
    })
  }
  await start()
  return { url, start, stop }
}

interface Alert {
  readonly labels: Record<string, string>
  readonly annotations: Record<string, string>
  readonly startsAt: string
  readonly endsAt: string
  readonly generatorURL: string
}

/** The alerts that fire. */
async function alertsOf(url: string): Promise<Alert[]> {
  return (await (await fetch(`${url}/api/v2/alerts`)).json()) as Alert[]
}

t.test('an Alertmanager', { skip: missingProgram(PROGRAM) }, async (t) => {
  const manager = await anAlertmanager(t)
  const environment = { ALERTMANAGER_URL: `${manager.url}/`, PUBLIC_URL: 'https://aegis.example' }
  const service = await testService(t, environment)
  const { sql, get, post } = service
  // Alertmanager ends an alert when its end has come, so the incident is one of now.
  const startedMs = Math.floor(Date.now() / 60_000) * 60_000 - 120_000
  const firing = (count: number) =>
    eventually(async () => {
      const found = await alertsOf(manager.url)
      return found.length === count && found
    })
  const told = async () => {
    await settle(sql)
    return (await get('/notifications')).body.data['notifications'] as Record<string, unknown>[]
  }

  await t.test('shows an incident with its labels and what it did', async (t) => {
    await tell(service, [anIncident({ startedMs })])
    const [alert] = (await firing(1)) as [Alert]
    t.strictSame(alert.labels, {
      ...{ alertname: 'AegisIncident', severity: 'medium', type: 'latency_spike', source: 'default' },
      ...{ endpoint: 'GET /orders/{id}', incident: '1' },
    })
    t.match(alert.annotations, {
      summary: 'Latency spike of GET /orders/{id} and 1 more (medium).',
      description: 'Mean latency 182 ms (4 times the usual).',
      impact: '3600 requests so far; 13 failed and 2900 were slow, more than usual.',
      url: 'https://aegis.example/incidents/1',
    })
    t.equal(Date.parse(alert.startsAt), startedMs)
    t.equal(alert.generatorURL, 'https://aegis.example/incidents/1')
    t.match(await told(), [{ state: 'active', attempts: 1 }])
  })

  await t.test('is told again of what goes on, so that it does not end by itself', async (t) => {
    const [before] = (await firing(1)) as [Alert]
    await hurry(sql)
    const [after] = await eventually(async () => {
      const found = await alertsOf(manager.url)
      return Date.parse(found[0]!.endsAt) > Date.parse(before.endsAt) && found
    })
    t.strictSame(after!.labels, before.labels)
    t.match(await told(), [{ state: 'active', attempts: 1 }])
  })

  await t.test('is told of it again after it lost its memory', async (t) => {
    await manager.stop()
    await hurry(sql)
    t.match(await told(), [{ problem: 'ECONNREFUSED' }])
    await manager.start()
    await hurry(sql)
    await firing(1)
  })

  await t.test('has one alert when the severity has changed', async (t) => {
    await tell(service, [anIncident({ startedMs, severity: 'critical' })])
    await eventually(async () => (await alertsOf(manager.url))[0]?.labels['severity'] === 'critical')
    t.equal((await alertsOf(manager.url)).length, 1)
    t.match(await told(), [{ state: 'active' }, { state: 'delivered', next_attempt_at: null }])
  })

  await t.test('ends the alert with the incident, also when it was down then', async (t) => {
    await manager.stop()
    await tell(service, [anIncident({ startedMs, severity: 'critical', endedMs: startedMs + 60_000 })])
    t.match(await told(), [{ event: 'ended', state: 'pending' }, { state: 'delivered' }, {}])
    await manager.start()
    await hurry(sql)
    t.match(await told(), [{ state: 'delivered' }])
    t.strictSame(await alertsOf(manager.url), [])
    await tell(service, [anIncident({ number: 2, startedMs })])
    await firing(1)
    await tell(service, [anIncident({ number: 2, startedMs, endedMs: startedMs + 60_000 })])
    await firing(0)
  })

  await t.test('takes hostile texts, cut to a limited length', async (t) => {
    const name = `GET /${'\u{1f600}'.repeat(300)}`
    const endpoints = [{ endpoint: name, share: 1, startedMs, type: 'latency_spike' as const }]
    const explanation = `"quotes" {{ template }} <b>\n${'long '.repeat(1000)}`
    await tell(service, [anIncident({ number: 3, startedMs, endpoints, explanation })])
    const [alert] = (await firing(1)) as [Alert]
    t.ok(alert.labels['endpoint']!.length <= 200 && alert.labels['endpoint']!.startsWith('GET /\u{1f600}'))
    t.match(alert.annotations['description'], '"quotes" {{ template }} <b> long')
    t.ok(alert.annotations['description']!.length <= 2000)
  })

  await t.test('shows a test, which ends by itself', async (t) => {
    t.match((await post('/notifications/test')).body.data, { channels: [{ delivered: true, status: 200 }] })
    const found = (await firing(2)).find(({ labels }) => labels['alertname'] === 'AegisTest')!
    t.ok(Date.parse(found.endsAt) - Date.parse(found.startsAt) <= 60_000)
  })
})
