import type { Sql } from 'postgres'
import t from 'tap'
import { storeIncidents } from '../../../db/own/incident-book.js'
import { markDelivered, takeNotifications } from '../../../db/own/notifications.js'
import { loadConfig } from '../../../plugins/config.js'
import { createNotificationQueue, nextOf } from '../../../plugins/notifications/queue.js'
import { pauseSeconds } from '../../../plugins/notifications/sender.js'
import { startService } from '../../e2e/process.js'
import { eventually } from '../../eventually.js'
import { databaseEnvironment, silentLog, testDirectory } from '../../postgres.js'
import { testService } from '../../service.js'
import { anIncident, store } from '../incidents/an-incident.js'
import { SECRET, startReceiver } from './receiver.js'

const service = await testService(t)
const { sql, connection } = service

/** A queue for receivers that nobody serves here. */
function aQueue(channels: readonly string[], maxPending = 100) {
  const silences = service.app.silences
  const onQueued = () => undefined
  return createNotificationQueue({
    ...{ sql, channels, silences, onQueued, maxPending, log: silentLog, now: () => new Date() },
  })
}

const statesOf = async (channel: string) => {
  const rows = await sql<{ state: string }[]>`
    select state from aegis_ml_notifications where channel = ${channel} order by id`
  return rows.map(({ state }) => state)
}

t.test('who was not told of a start is told of it instead of a change, and of no end', async (t) => {
  const start = { latest: 'started', told: 'started' } as const
  const silenced = { latest: 'started', told: null } as const
  const over = { latest: 'ended', told: 'ended' } as const
  const cases = [
    ['started', undefined, false, { event: 'started', state: 'pending' }],
    ['started', undefined, true, { event: 'started', state: 'silenced' }],
    ['started', over, false, { event: 'started', state: 'pending' }],
    ['changed', start, false, { event: 'changed', state: 'pending' }],
    ['changed', start, true, { event: 'changed', state: 'silenced' }],
    ['changed', silenced, false, { event: 'started', state: 'pending' }],
    ['changed', undefined, false, { event: 'started', state: 'pending' }],
    ['ended', start, false, { event: 'ended', state: 'pending' }],
    ['ended', { latest: 'changed', told: 'started' }, false, { event: 'ended', state: 'pending' }],
    ['ended', silenced, false, { event: 'ended', state: 'silenced' }],
    ['ended', undefined, false, null],
    ['ended', over, false, null],
  ] as const
  for (const [event, before, isSilenced, expected] of cases) {
    t.strictSame(nextOf(event, before, isSilenced), expected, JSON.stringify([event, before, isSilenced]))
  }
})

t.test('pauses double up to a quarter of an hour, and end after three days', async (t) => {
  const now = new Date('2026-03-02T12:00:00Z')
  const answer = { isGone: false, waitSeconds: null }
  const pause = (attempts: number, random: number, changes: object = {}) =>
    pauseSeconds({ state: 'pending', attempts, createdAt: now, ...changes }, answer, now, random)
  t.strictSame(
    [1, 2, 3, 8, 9, 1000].map((attempts) => pause(attempts, 0.5)),
    [5, 10, 20, 640, 900, 900],
  )
  t.strictSame([pause(1, 0), pause(1, 0.9999)], [2.5, 5 * 1.4999])
  t.equal(pause(5, 0.5, { createdAt: new Date('2026-02-27T11:59:59Z') }), null)
  t.equal(pause(1000, 0.5, { state: 'active', createdAt: new Date('2026-01-01') }), 15)
})

t.test('beyond the bound, the oldest that wait are dropped and counted', async (t) => {
  const { announce } = aQueue(['first', 'second'], 3)
  const many = [11, 12, 13, 14, 15].map((number) => anIncident({ number }))
  await sql.begin(async (tx) => announce(tx, await storeIncidents(tx, many), new Date()))
  t.strictSame(await statesOf('first'), ['dropped', 'dropped', 'pending', 'pending', 'pending'])
  t.match((await service.get('/notifications?state=dropped')).body.data, {
    channels: [
      { channel: 'first', configured: false, dropped: 2, pending: 3 },
      { channel: 'second', configured: false, dropped: 2, pending: 3 },
    ],
    notifications: { length: 4, 0: { problem: 'too many are waiting', next_attempt_at: null } },
  })
})

t.test('what is queued in a transaction that fails, is not queued', async (t) => {
  const { announce } = aQueue(['third'])
  const failing = sql.begin(async (tx) => {
    await announce(tx, await storeIncidents(tx, [anIncident({ number: 20 })]), new Date())
    throw new Error('no')
  })
  await t.rejects(failing, /no/)
  t.strictSame(await statesOf('third'), [])
})

t.test('the same round again tells nobody again', async (t) => {
  const { announce } = aQueue(['fourth'])
  const round = (incident = anIncident({ number: 21 })) =>
    sql.begin(async (tx) => announce(tx, await storeIncidents(tx, [incident]), new Date()))
  await round()
  await round()
  t.strictSame(await statesOf('fourth'), ['pending'])
  const ended = anIncident({ number: 21, endedMs: Date.now() })
  await round(ended)
  await round(ended)
  t.strictSame(await statesOf('fourth'), ['pending', 'pending'])
})

t.test('nobody is told of a silenced incident; of one that goes on, when the silence is over', async (t) => {
  const { announce, catchUp } = aQueue(['fifth'])
  const round = (changes: object) =>
    sql.begin(async (tx) => announce(tx, await storeIncidents(tx, [anIncident(changes)]), new Date()))
  const eventsOf = async () => {
    const rows = await sql<{ event: string; state: string; number: number }[]>`
      select event, notifications.state, book_number::int as number from aegis_ml_notifications notifications
      join aegis_ml_incidents incidents on incidents.id = incident_id
      where channel = 'fifth' order by notifications.id`
    return rows.map(({ number, event, state }) => `${number} ${event} ${state}`)
  }
  const silence = { endpoint: '/*orders*', reason: 'load test', to: '2999-01-01T00:00Z' }
  t.match(await service.post('/silences', silence), { status: 200 })
  await round({ number: 30 })
  t.strictSame(await eventsOf(), ['30 started pending'], 'a * within a path is no wildcard')
  const { body } = await service.post('/silences', { ...silence, endpoint: '/orders*', from: null })
  const { id } = body.data
  await round({ number: 30, severity: 'high' })
  await round({ number: 31 })
  await round({ number: 32 })
  await round({ number: 32, endedMs: Date.now() })
  await catchUp()
  const silenced = ['30 changed silenced', '31 started silenced', '32 started silenced', '32 ended silenced']
  t.strictSame(await eventsOf(), ['30 started pending', ...silenced])
  t.match(await service.get('/incidents'), { body: { data: { incidents: { length: 9 } } } })
  await service.delete(`/silences/${String(id)}`)
  await catchUp()
  await catchUp()
  const told = ['30 changed pending', '31 started pending']
  t.strictSame(await eventsOf(), ['30 started pending', ...silenced, ...told])
})

t.test('nobody is told of what goes on after somebody has ended the incident', async (t) => {
  const { announce } = aQueue(['ended by hand'])
  const say = (severity: 'medium' | 'high') =>
    sql.begin(async (tx) => {
      const written = await storeIncidents(tx, [anIncident({ number: 91, severity })])
      await announce(tx, written, new Date())
      return written
    })
  const [first] = await say('medium')
  const marked = await service.post(`/incidents/${first!.incident.id}/false-positive`, { by: 'ada' })
  t.match(marked, { status: 200, body: { data: { state: 'false_positive' } } })
  t.match(await say('high'), [{ kind: 'changed', incident: { severity: 'high' } }])
  t.strictSame(await statesOf('ended by hand'), ['pending'])
})

t.test('nothing is repeated while something newer of the same incident is due', async (t) => {
  const { announce } = aQueue(['sixth'])
  const round = (changes: object) =>
    sql.begin(async (tx) => announce(tx, await storeIncidents(tx, [anIncident(changes)]), new Date()))
  const take = async () => {
    const taken = await takeNotifications(sql, 'sixth', 10, 30)
    return taken.map((each) => ({ ...each, name: `${each.event} ${each.state}` }))
  }
  const due = () =>
    sql`update aegis_ml_notifications set due_at = now() where channel = 'sixth' and due_at > now()`
  await round({ number: 35 })
  const [started] = await take()
  await markDelivered(sql, started!, 'sixth', { repeatSeconds: 60, isBack: false })
  await due()
  await round({ number: 35, severity: 'high' })
  const [changed, ...rest] = await take()
  t.match({ changed, rest }, { changed: { name: 'changed pending' }, rest: { length: 0 } })
  t.strictSame(await take(), [], 'while it is on its way')
  await markDelivered(sql, changed!, 'sixth', { repeatSeconds: 60, isBack: false })
  await due()
  t.strictSame(
    (await take()).map(({ name }) => name),
    ['changed active'],
  )
})

t.test('a service that is killed between sending and noting it, sends again with the same id', async (t) => {
  const receiver = await startReceiver(t)
  const environment = {
    ...databaseEnvironment(connection),
    ...{ WEBHOOK_URLS: receiver.url, WEBHOOK_SECRET: SECRET, DATA_PATH: await testDirectory(t) },
  }
  const [{ name } = { name: '' }] = loadConfig(environment).notifications.webhooks
  const { queue } = aQueue([name])
  const [written] = await store(sql, [anIncident({ number: 40 })])
  await sql.begin((tx) => queue(tx, { event: 'started', incident: written!.incident }))
  receiver.answer = () => undefined // it has it, but says nothing yet
  const first = await startService(t, environment)
  await eventually(() => receiver.received.length === 1)
  await first.end('SIGKILL')
  t.match(await rowOf(sql, name), { state: 'pending', attempts: 1 })

  receiver.accept()
  await sql`update aegis_ml_notifications set claimed_until = now() where channel = ${name}` // its time has passed
  await startService(t, environment)
  await eventually(async () => (await rowOf(sql, name))?.['state'] === 'delivered')
  const ids = receiver.received.map(({ headers }) => headers['webhook-id'])
  t.equal(ids.length, 2)
  t.equal(ids[0], ids[1])
})

t.test(
  'of several replicas one sends each notification, and a receiver that hangs does not delay another',
  async (t) => {
    const receiver = await startReceiver(t)
    receiver.answer = (response, { path }) => void (path === '/fast' && response.writeHead(204).end())
    const environment = { WEBHOOK_URLS: `${receiver.url}/fast,${receiver.url}/hangs`, WEBHOOK_SECRET: SECRET }
    const replicas = [await testService(t, environment, service), await testService(t, environment, service)]
    const severities = ['low', 'medium', 'high', 'critical'] as const
    const many = Array.from({ length: 6 }, (_, i) => 50 + i)
    for (const [round, severity] of severities.entries()) {
      const { notifications } = replicas[round % 2]!.app
      const incidents = many.map((number) => anIncident({ number, severity }))
      // While those of the round before are on their way.
      await sql.begin(async (tx) =>
        notifications.announce(tx, await storeIncidents(tx, incidents), new Date()),
      )
    }
    const { webhooks } = replicas[0]!.app.config.notifications
    const fast = webhooks.find(({ url }) => url.endsWith('/fast'))!.name
    await eventually(async () => {
      const states = await statesOf(fast)
      return states.length === 24 && states.every((state) => state === 'delivered')
    })
    const sent = receiver.received.filter(({ path }) => path === '/fast')
    t.equal(new Set(sent.map(({ headers }) => headers['webhook-id'])).size, 24)
    t.equal(sent.length, 24)
    const first = sent.filter(({ body }) => body.data.incident.id === sent[0]!.body.data.incident.id)
    t.strictSame(
      first.map(({ body }) => (body.data.incident as unknown as { severity: string }).severity),
      severities,
    )
  },
)

async function rowOf(of: Sql, channel: string) {
  const [row] = await of`select state, attempts from aegis_ml_notifications where channel = ${channel}`
  return row
}
