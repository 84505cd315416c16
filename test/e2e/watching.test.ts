import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Sql } from 'postgres'
import t, { type Test } from 'tap'
import type { Connection } from '../../db/pool.js'
import { createRandom } from '../../models/statistics/random.js'
import { createGateway, type SimulatedGateway, type Trouble } from '../../scripts/demo/gateway.js'
import { insertRequests } from '../../scripts/demo/log.js'
import { startReceiver } from '../../scripts/demo/receiver.js'
import { eventually } from '../eventually.js'
import { missingProgram } from '../missing-program.js'
import { databaseEnvironment, testDatabase, testDirectory } from '../postgres.js'
import { freePort, get, post, startService, type ServiceProcess } from './process.js'

const ALERTMANAGER = 'prometheus-alertmanager'
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const HISTORY = 90
const SLOW = 'GET /api/orders/{id}'
const KILLS = Number(process.env['TEST_KILLS'] ?? 3)

/** A gateway that writes its log hours late, in order. */
class LateLog {
  readonly #sql: Sql
  readonly #gateway: SimulatedGateway = createGateway(createRandom(3))
  /** When the next minute of the log begins. */
  nextMs: number

  constructor(sql: Sql, startMs: number) {
    this.#sql = sql
    this.nextMs = startMs
  }

  async write(minutes: number, trouble: Trouble = {}): Promise<void> {
    for (let i = 0; i < minutes; i++, this.nextMs += MINUTE)
      await insertRequests(this.#sql, this.#gateway.minute(this.nextMs, trouble))
  }
}

const wholeMinute = (timeMs: number) => Math.floor(timeMs / MINUTE) * MINUTE

async function startWatching(t: Test, connection: Connection, environment: Record<string, string>) {
  const folder = await testDirectory(t)
  return startService(t, {
    ...databaseEnvironment(connection),
    ...{ DATA_PATH: folder, MODEL_PATH: join(folder, 'models'), WATCH: 'on', ...environment },
  })
}

const judgedTo = async ({ url }: ServiceProcess) => {
  const { watcher } = (await get(`${url}/sources?limit=1`)).body.data as {
    watcher: { judged_to: string | null }
  }
  return watcher.judged_to === null ? 0 : Date.parse(watcher.judged_to)
}

/** Trains, and waits until all minutes of the log but the newest are judged. */
async function trained(service: ServiceProcess, log: LateLog): Promise<void> {
  const answer = await post(`${service.url}/train`, { days: 1 })
  if (answer.status !== 200) throw new Error(answer.body.message)
  await untilJudged(service, log)
}

const untilJudged = (service: ServiceProcess, { nextMs }: LateLog) =>
  eventually(async () => (await judgedTo(service)) >= nextMs - MINUTE, { what: 'judged minutes' })

interface Listed {
  readonly id: string
  readonly state: string
  readonly type: string
  readonly endpoints: readonly { readonly endpoint: string }[]
}

const incidentsOf = async ({ url }: ServiceProcess) =>
  (await get(`${url}/incidents`)).body.data['incidents'] as unknown as Listed[]

async function anAlertmanager(t: Test): Promise<string> {
  const folder = await testDirectory(t)
  const config = join(folder, 'alertmanager.yml')
  await writeFile(config, 'route: {receiver: nobody}\nreceivers: [{name: nobody}]\n')
  const url = `http://127.0.0.1:${await freePort()}`
  const flags = ['--cluster.listen-address=', `--storage.path=${folder}`, `--config.file=${config}`]
  const child = spawn(ALERTMANAGER, [...flags, `--web.listen-address=${url.slice('http://'.length)}`], {
    stdio: 'ignore',
  })
  t.teardown(async () => {
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  })
  await eventually(async () => (await fetch(`${url}/-/ready`).catch(() => undefined))?.ok)
  return url
}

t.test('a slow endpoint is an alert that ends', { skip: missingProgram(ALERTMANAGER) }, async (t) => {
  const { sql, connection } = await testDatabase(t)
  const url = await anAlertmanager(t)
  const service = await startWatching(t, connection, { ALERTMANAGER_URL: url })
  const alerts = async () =>
    (await (await fetch(`${url}/api/v2/alerts`)).json()) as { labels: Record<string, string> }[]
  const log = new LateLog(sql, wholeMinute(Date.now()) - 4 * HOUR)
  await log.write(HISTORY)
  await trained(service, log)
  await log.write(5)
  await untilJudged(service, log)
  t.same(await alerts(), [], 'quiet')

  await log.write(10, { slow: { endpoint: SLOW, factor: 4 } })
  const [alert, ...others] = await eventually(async () => {
    const found = await alerts()
    return found.length > 0 && found
  })
  t.same(others, [])
  t.match(alert!.labels, { alertname: 'AegisIncident', type: 'latency_spike', endpoint: SLOW })
  const metrics = await (await fetch(`${service.url}/metrics`)).text()
  for (const sample of [
    /^aegis_ml_open_incidents\{type="latency_spike",severity="\w+",state="open"\} 1$/m,
    /^aegis_ml_notification_attempts_total\{channel="alertmanager:.+",outcome="accepted"\} [1-9]/m,
    /^aegis_ml_series_requests_per_second\{series="gateway"\} \d/m,
    /^aegis_ml_series_upper_requests_per_second\{series="gateway"\} \d/m,
    /^aegis_ml_verdicts_total\{series="endpoint",type="latency_spike",severity="\w+"\} \d/m,
    /^aegis_ml_watcher_state\{state="watching"\} 1$/m,
    /^aegis_ml_watcher_lag_seconds \d/m,
    /^aegis_ml_rollups_lag_seconds \d/m,
  ])
    t.match(metrics, sample)
  t.notMatch(metrics, /orders/, 'no name of an endpoint')

  await log.write(14)
  await eventually(async () => (await alerts()).length === 0, { what: 'the end of the alert' })
  await untilJudged(service, log)
  const incidents = await incidentsOf(service)
  t.equal(incidents.length, 1, 'nothing else')
  t.match(incidents[0], { state: 'resolved', type: 'latency_spike' })
  t.equal(incidents[0]!.endpoints[0]?.endpoint, SLOW)
})

t.test(
  'kill -9 of the replica that watches: each minute is judged once, and each notification arrives',
  async (t) => {
    const { sql, connection } = await testDatabase(t)
    const arrived = new Map<string, string[]>()
    const receiver = await startReceiver(({ id, type, incident }) => {
      arrived.set(id, [type, incident])
    })
    t.teardown(() => receiver.close())
    const random = createRandom(Number(process.env['TEST_SEED'] ?? 1))
    const start = () =>
      startWatching(t, connection, { WEBHOOK_URLS: receiver.url, WEBHOOK_SECRET: receiver.secret })
    const log = new LateLog(sql, wholeMinute(Date.now()) - 12 * HOUR)
    let watching = await start()
    await log.write(HISTORY)
    await trained(watching, log)
    let other = await start()
    for (let kill = 0; kill < KILLS; kill++) {
      // A backlog with an incident: it is judged while the replica is killed.
      await log.write(2)
      await log.write(6, { slow: { endpoint: SLOW, factor: 5 } })
      await log.write(12)
      await delay(random.uniform() * 2_500)
      await watching.end('SIGKILL')
      ;[watching, other] = [other, await start()]
    }
    const last = watching
    await untilJudged(last, log)

    const minutes = await sql<{ minute: Date }[]>`
    select minute from aegis_ml_watched_minutes where series_kind = 'gateway' order by minute`
    const times = minutes.map(({ minute }) => minute.getTime())
    const gaps = times.filter((time, i) => i > 0 && time !== times[i - 1]! + MINUTE)
    t.same(gaps, [], 'every minute once')
    t.equal(times.at(-1), (await judgedTo(last)) - MINUTE)
    const incidents = await incidentsOf(last)
    t.equal(incidents.length, KILLS, 'no incident twice')
    t.ok(incidents.every(({ endpoints }) => endpoints[0]?.endpoint === SLOW))

    const queued = () => sql<{ id: string; event: string; state: string }[]>`
    select message_id as id, event, state from aegis_ml_notifications`
    await eventually(async () => (await queued()).every(({ state }) => state !== 'pending'), {
      what: 'notifications that have arrived',
    })
    const told = await queued()
    t.same(
      told.filter(({ id }) => !arrived.has(id)),
      [],
      'each has arrived with its id',
    )
    for (const type of ['incident.started', 'incident.ended']) {
      const of = [...arrived.values()].filter(([each]) => each === type).map(([, incident]) => incident)
      t.same(of.sort(), incidents.map(({ id }) => id).sort(), `${type} of each incident, with one id`)
    }
    t.comment(
      `${KILLS} kills, ${times.length} minutes, ${incidents.length} incidents, ${told.length} notifications`,
    )
  },
)
