import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { createClient, type IncidentEvent } from '@aegis/ml-client'
import { whenStalled } from '../../../routes/when-stalled.js'
import { eventually } from '../../eventually.js'
import { testService, type Service } from '../../service.js'
import { anIncident, STARTED, store } from './an-incident.js'

interface Event {
  id: number
  event: string
  data: { id: string; severity: string; revision: number; what: string }
}

/** Follows the incidents of a service until it is told to stop. */
async function follow(t: Test, { app }: Service, lastEventId?: string) {
  if (!app.server.listening) await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
  const asked = request({ port, host: '127.0.0.1', path: '/incidents/stream', headers, agent: false }).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  let text = ''
  response.setEncoding('utf8').on('data', (piece: string) => (text += piece))
  let hasEnded = false
  response.on('end', () => (hasEnded = true)).on('error', () => undefined)
  t.teardown(() => asked.destroy())
  const events = (): Event[] =>
    text.split('\n\n').flatMap((block) => {
      const [, id, event, data] = /^id: (\d+)\nevent: (\w+)\ndata: (.*)$/.exec(block) ?? []
      return data === undefined
        ? []
        : [{ id: Number(id), event: event!, data: JSON.parse(data) as Event['data'] }]
    })
  const writes = () => events().filter(({ event }) => event !== 'ready')
  await eventually(() => text.includes('ready') || hasEnded, { what: 'the first event' })
  return { response, writes, events, text: () => text, stop: () => asked.destroy() }
}

t.test(
  'readers that leave early or wait behind others on their connection give their places back',
  async (t) => {
    const service = await testService(t)
    const { app } = service
    const gone = AbortSignal.abort(new Error('gone'))
    for (let i = 0; i < 100; i++) await t.rejects(app.incidents.follow(null, gone), { message: 'gone' })
    const first = await follow(t, service)
    const { port } = app.server.address() as AddressInfo
    const asking = 'GET /incidents/stream HTTP/1.1\r\nHost: a\r\n\r\n'
    for (let i = 0; i < 2; i++) {
      const socket = connect(port, '127.0.0.1')
      socket.write(asking.repeat(50))
      await once(socket, 'data') // of the first answer; the others wait behind it
      socket.destroy()
    }
    const later = await eventually(
      async () => {
        const asked = request({ port, host: '127.0.0.1', path: '/incidents/stream', agent: false }).end()
        t.teardown(() => asked.destroy())
        const [{ statusCode }] = (await once(asked, 'response')) as [IncomingMessage]
        return statusCode === 200
      },
      { what: 'a place for another reader' },
    )
    t.ok(later)
    first.stop()
  },
)

t.test('followers on two replicas get each write once, and go on where they were', async (t) => {
  const one = await testService(t)
  const two = await testService(t, {}, one)
  const steady = await follow(t, two)
  const leaver = await follow(t, one)
  t.match(leaver.response.headers, { 'content-type': /^text\/event-stream/, 'cache-control': 'no-store' })
  const severities = ['low', 'medium', 'high', 'critical'] as const
  let round = 0
  const write = async () => {
    for (let i = 0; i < 4; i++) {
      await store(one.sql, [anIncident({ number: 1 + (round % 3), severity: severities[(round + i) % 4]! })])
    }
    await two.post(`/incidents/${1 + (round % 3)}/comment`, { note: `round ${round++}` })
  }
  await write()
  await write()
  await eventually(() => leaver.writes().length > 0, { what: 'a write on the first replica' })
  leaver.stop()
  const last = leaver.events().at(-1)!.id
  for (let i = 0; i < 12; i++) await write()
  const resumed = await follow(t, two, String(last))
  await write()
  const [newest] = await one.sql<[{ last: number }]>`
    select max(revision)::int as last from aegis_ml_incident_entries`
  for (const each of [steady, resumed])
    await eventually(() => each.events().at(-1)?.id === newest.last, { what: 'the last write' })
  const revisions = (
    await one.sql<{ revision: number }[]>`
    select revision::int from aegis_ml_incident_entries order by 1`
  ).map(({ revision }) => revision)
  t.same(
    steady.writes().map(({ id }) => id),
    revisions,
    'all of them',
  )
  const both = [...leaver.writes().filter(({ id }) => id <= last), ...resumed.writes()]
  t.same(
    both.map(({ id }) => id),
    revisions,
    'neither a gap nor a repeat',
  )
  t.same([...new Set(steady.writes().map(({ event }) => event))].sort(), ['changed', 'marked', 'opened'])
  const { data } = steady.writes()[0]!
  t.match(data, { id: '1', source: 'default', endpoints: Array, what: 'opened' })
  t.equal(data.revision, revisions[0])
})

t.test('figures alone are a change too; the end and a place from the future are told', async (t) => {
  const service = await testService(t)
  await store(service.sql, [anIncident()])
  const stream = await follow(t, service, '999999999999999')
  t.match(stream.events(), [{ event: 'ready', id: 1 }], 'it begins now')
  await store(service.sql, [anIncident({ impact: { ...anIncident().impact, failed: 99 } })])
  await eventually(() => stream.writes().length === 1, { what: 'the figures' })
  await store(service.sql, [anIncident({ endedMs: STARTED + 60_000 })])
  await eventually(() => stream.writes().length === 2, { what: 'the end' })
  t.match(stream.writes(), [
    { event: 'changed', data: { what: 'figures', impact: { failed: 99 } } },
    { event: 'ended', data: { what: 'ended', state: 'resolved', ended_at: '2026-03-02T12:05:00.000Z' } },
  ])
  const garbage = await follow(t, service, 'x')
  t.match(garbage.events(), [{ event: 'ready' }])
  t.match(await service.get('/incidents/stream?last_event_id=x'), {
    status: 400,
    body: { message: /^last_event_id/ },
  })
})

t.test('the number of followers is bounded, and a place is free when one leaves', async (t) => {
  const service = await testService(t)
  await service.app.listen({ host: '127.0.0.1', port: 0 })
  const followers = await Promise.all(Array.from({ length: 100 }, () => follow(t, service)))
  const refused = await follow(t, service)
  t.equal(refused.response.statusCode, 503)
  t.match(refused.response.headers, { 'retry-after': '5' })
  t.match(JSON.parse(refused.text()), { code: 'BUSY' })
  followers[0]!.stop()
  const next = await eventually(
    async () => {
      const each = await follow(t, service)
      return each.response.statusCode === 200 && each
    },
    { what: 'a free place' },
  )
  await store(service.sql, [anIncident()])
  for (const each of [...followers.slice(1), next]) {
    await eventually(() => each.writes().length === 1, { what: 'the incident' })
  }
  const ends = followers.slice(1).map(({ response }) => once(response, 'end'))
  await service.app.close()
  await Promise.all(ends)
  t.pass('all of them end when the service stops')
})

t.test('a reader that takes nothing is ended', async (t) => {
  const endless = async function* () {
    for (let i = 0; ; i++) yield i
  }
  let isStalled = false
  const events = whenStalled(endless(), 5, () => (isStalled = true))
  t.match(await events.next(), { value: 0 })
  await eventually(() => isStalled, { what: 'the end' })
  const swift = whenStalled(endless(), 2_147_483_647, () => t.fail('it is read'))
  await swift.next()
  await swift.next()
  await swift.return(undefined)
})

t.test('the client follows, and connects again when the service comes back', async (t) => {
  const service = await testService(t)
  const baseUrl = await service.app.listen({ host: '127.0.0.1', port: 0 })
  const stopping = new AbortController()
  const seen: IncidentEvent[] = []
  const client = createClient({ baseUrl, retry: { attempts: 10, delayMs: 50 } })
  await store(service.sql, [anIncident()])
  const reading = (async () => {
    for await (const event of client.followIncidents({ last_event_id: '0' }, { signal: stopping.signal })) {
      seen.push(event)
    }
  })().catch((error: unknown) => error)
  await eventually(() => seen.length === 1, { what: 'the first event' })
  service.app.server.closeAllConnections()
  await store(service.sql, [anIncident({ severity: 'high' })])
  await eventually(() => seen.length === 2, { what: 'the second event' })
  t.match(seen, [
    { event: 'opened', id: '1', incident: { source: 'default' } },
    { event: 'changed', id: '2', incident: { severity: 'high' } },
  ])
  stopping.abort(new Error('enough'))
  t.match(await reading, { message: 'enough' })
})

t.test('a reader that is gone before its stream begins takes no place', async (t) => {
  const { app } = await testService(t)
  for (let i = 0; i < 100; i++) await t.rejects(app.incidents.follow(null, AbortSignal.abort()))
  const stopping = new AbortController()
  const events = await app.incidents.follow(null, stopping.signal)
  t.match((await events.next()).value, { name: 'ready' })
  stopping.abort()
})
