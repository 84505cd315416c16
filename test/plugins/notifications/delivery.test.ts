import t from 'tap'
import { eventually } from '../../eventually.js'
import { testService } from '../../service.js'
import { anIncident, STARTED } from '../incidents/an-incident.js'
import { hurry, isSigned, SECRET, startReceiver, tell, type Received } from './receiver.js'

const OLD_SECRET = `whsec_${Buffer.from('the key that was in use before').toString('base64')}`
const receiver = await startReceiver(t)
const { received } = receiver
const service = await testService(t, {
  WEBHOOK_URLS: `${receiver.url.replace('//', '//me:p%40ss@')}/hook?token=hidden`,
  WEBHOOK_SECRET: `${SECRET} ${OLD_SECRET}`,
  PUBLIC_URL: 'https://aegis.example/',
})
const { sql, get, post } = service

const ofIncident = (number: number) => async () => {
  const [row] = await sql`select id::text from aegis_ml_incidents where book_number = ${number}`
  return received.filter(({ body }) => body.data.incident.id === row!['id'])
}
const arrived = (number: number, count: number) =>
  eventually(async () => {
    const found = await ofIncident(number)()
    return found.length >= count && found
  })
const rows = async () => (await get('/notifications')).body.data as Record<string, Record<string, unknown>[]>
const events = (found: readonly Received[]) => found.map(({ body }) => body.type)

t.test('a webhook tells of start, change and end, in order and signed', async (t) => {
  await tell(service, [anIncident()])
  await tell(service, [anIncident({ explanation: 'another' })])
  await tell(service, [anIncident({ severity: 'high' })])
  await tell(service, [anIncident({ severity: 'high', endedMs: STARTED + 600_000 })])
  const found = await arrived(1, 3)
  t.strictSame(events(found), ['incident.started', 'incident.changed', 'incident.ended'])
  t.ok(found.every((each) => isSigned(each, SECRET, Date.now()) && isSigned(each, OLD_SECRET, Date.now())))
  t.notOk(isSigned({ ...found[0]!, text: `${found[0]!.text} ` }, SECRET, Date.now()))
  t.equal(new Set(found.map(({ headers }) => headers['webhook-id'])).size, 3)
  t.match(found[0], {
    path: '/hook?token=hidden',
    headers: { authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}` },
    body: { data: { id: String(found[0]!.headers['webhook-id']), url: 'https://aegis.example/incidents/1' } },
  })
  const { incident } = found[2]!.body.data
  const { body } = await get('/incidents/1')
  for (const [name, value] of Object.entries(incident)) t.strictSame(value, body.data[name], name)
})

t.test(
  'a notification is tried again with its id until it arrives, whatever the receiver does',
  async (t) => {
    receiver.answer = (response) => void response.writeHead(500).end('broken\n\x07 here')
    await tell(service, [anIncident({ number: 2 }), anIncident({ number: 3 })])
    await arrived(2, 1)
    await arrived(3, 1)
    const problem = { state: 'pending', attempts: 1, problem: 'it answered 500: broken here' }
    await eventually(async () => (await rows())['notifications']![0]!['problem'] !== null)
    t.match((await rows())['notifications']![0], problem)

    receiver.answer = (response) =>
      void response.writeHead(302, { location: `${receiver.url}/elsewhere` }).end()
    await hurry(sql)
    await arrived(2, 2)
    await arrived(3, 2)
    t.notOk(
      received.some(({ path }) => path === '/elsewhere'),
      'a redirect is not followed',
    )

    receiver.answer = (response) => {
      response.writeHead(503, { 'retry-after': '3600' })
      const flood = () => {
        while (response.write('x'.repeat(10_000)));
      }
      response.on('drain', flood)
      flood()
    }
    await hurry(sql)
    await arrived(2, 3)
    await arrived(3, 3)
    const waits = await eventually(async () => {
      const [row] = await sql`
      select extract(epoch from max(due_at) - now()) > 3000 as long
      from aegis_ml_notifications where state = 'pending' and claimed_until is null and error like '%503%'`
      return row!['long'] === true && row
    })
    t.ok(waits, 'a receiver that asks for a pause gets it')

    // One that arrives lets the others be tried at once, though their pause is an hour.
    receiver.accept()
    await tell(service, [anIncident({ number: 4 })])
    const [second, third] = [await arrived(2, 4), await arrived(3, 4)]
    t.equal(new Set([...second].map(({ headers }) => headers['webhook-id'])).size, 1)
    t.equal(third.length, 4)
  },
)

t.test('a receiver that wants fewer requests is left alone, though others arrive', async (t) => {
  receiver.answer = (response) => void response.writeHead(429, { 'retry-after': '3600' }).end()
  await tell(service, [anIncident({ number: 11 })])
  await arrived(11, 1)
  await eventually(async () => (await rows())['notifications']![0]!['problem'] !== null)
  receiver.accept()
  await tell(service, [anIncident({ number: 12 })])
  await arrived(12, 1)
  await eventually(async () => (await rows())['notifications']![0]!['state'] === 'delivered')
  t.match((await rows())['notifications']![1], { state: 'pending', attempts: 1 })
  await hurry(sql)
  await arrived(11, 2)
})

t.test('of an incident nothing is told before what happened earlier', async (t) => {
  receiver.answer = (response, { body }) =>
    void response.writeHead(body.type === 'incident.started' ? 503 : 204).end()
  await tell(service, [anIncident({ number: 5 })])
  await tell(service, [anIncident({ number: 5, endedMs: STARTED + 60_000 })])
  await arrived(5, 1)
  await tell(service, [anIncident({ number: 6 })])
  await arrived(6, 1)
  t.notOk(events(await ofIncident(5)()).includes('incident.ended'))
  receiver.accept()
  await hurry(sql)
  const found = await eventually(async () => {
    const all = await ofIncident(5)()
    return all.at(-1)?.body.type === 'incident.ended' && all
  })
  t.equal(events(found).at(-2), 'incident.started')
})

t.test('a receiver that is gone, or away for three days, is given up', async (t) => {
  receiver.answer = (response) => void response.writeHead(410).end()
  await tell(service, [anIncident({ number: 7 })])
  await eventually(async () => (await rows())['notifications']![0]!['state'] === 'failed')
  receiver.answer = (response) => void response.writeHead(404).end()
  await tell(service, [anIncident({ number: 8 })])
  await arrived(8, 1)
  await eventually(async () => (await rows())['notifications']![0]!['problem'] !== null)
  await sql`update aegis_ml_notifications set created_at = now() - interval '73 hours', due_at = now()
    where id = (select max(id) from aegis_ml_notifications)`
  await eventually(async () => (await rows())['notifications']![0]!['state'] === 'failed')
  t.match((await rows())['notifications']![0], {
    attempts: 2,
    next_attempt_at: null,
    problem: 'it answered 404',
  })
  receiver.accept()
})

t.test('a start names the deployment before it', async (t) => {
  const startedMs = Math.floor(Date.now() / 60_000) * 60_000
  const at = new Date(startedMs - 180_000).toISOString()
  await post('/deployments', { version: '1.4.2', endpoint: '/orders*', at })
  await tell(service, [anIncident({ number: 10, startedMs })])
  const [{ body }] = (await arrived(10, 1)) as [Received]
  const detail = 'Version 1.4.2 of /orders* was deployed 3 minutes before.'
  t.match(body.data.incident, { change: { kind: 'deployment', at, detail } })
})

t.test('whoever ends an incident tells the receivers', async (t) => {
  await tell(service, [anIncident({ number: 9 })])
  const [{ body }] = (await arrived(9, 1)) as [Received]
  await post(`/incidents/${body.data.incident.id}/false-positive`)
  const found = await arrived(9, 2)
  t.match(found[1], { body: { type: 'incident.ended', data: { incident: { state: 'false_positive' } } } })
})

t.test('a test asks each receiver at once and says what it answered', async (t) => {
  const before = received.length
  t.match(await post('/notifications/test'), {
    status: 200,
    body: { data: { channels: [{ delivered: true, status: 204, problem: null }] } },
  })
  t.match(received[before], { body: { type: 'test' } })
  t.ok(isSigned(received[before]!, SECRET, Date.now()))
  receiver.answer = (response) => void response.writeHead(401).end('who are you?')
  t.match((await post('/notifications/test')).body.data['channels'], [
    { delivered: false, status: 401, problem: 'it answered 401: who are you?' },
  ])
  receiver.accept()
})

t.test('answers name receivers without their secrets', async (t) => {
  const text = JSON.stringify([await get('/notifications'), await post('/notifications/test')])
  t.notMatch(text, /hidden|p%40ss|p@ss|whsec/)
  t.match(text, /webhook:127\.0\.0\.1:\d+:[0-9a-f]{8}/)
  t.match(await get('/notifications?limit=2&state=delivered'), {
    body: { data: { notifications: { length: 2 } } },
  })
  t.match(await get('/notifications?state=lost'), { status: 400, body: { message: /^state is "lost"/ } })
  t.match(await get('/notifications?limit=501'), { status: 400, body: { message: /from 1 to 500/ } })
})
