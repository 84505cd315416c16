import { get as request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Sql } from 'postgres'
import t from 'tap'
import { testService, type Service } from '../service.js'
import { eventsOf } from './event-stream.js'
import { holdTraffic, insertMinutes } from './traffic.js'
import { eventually } from '../eventually.js'

interface Job {
  id: string
  state: string
  stage: string
  progress: number
  error: { code: string; message: string } | null
  result: { anomaly_detector: { samples: number; trained: boolean; version: string } } | null
}

const begin = async (service: Service, body: object = {}): Promise<Job> => {
  const answer = await service.post('/train', { ...body, wait: false })
  if (answer.status !== 202) throw new Error(JSON.stringify(answer))
  return answer.body.data as unknown as Job
}
const find = async ({ get }: Service, { id }: { id: string }): Promise<Job> =>
  (await get(`/train/jobs/${id}`)).body.data as unknown as Job

const ended = (service: Service, job: Job): Promise<Job> =>
  eventually(async () => {
    const now = await find(service, job)
    return now.state === 'running' ? undefined : now
  })

const activeVersion = async ({ get }: Service) =>
  ((await get('/model/info')).body.data['anomaly_detector'] as { version: string } | null)?.version

t.test('a run that is not waited for answers 202, tells how it does, and ends', async (t) => {
  const service = await testService(t)
  await insertMinutes(service.sql, 60)
  const { headers, statusCode } = await service.app.inject({
    method: 'POST',
    url: '/train',
    payload: { wait: false },
  })
  t.equal(statusCode, 202)
  const location = headers.location as string
  t.match(location, /^\/train\/jobs\/[0-9a-f-]{36}$/)

  const stream = await service.app.inject(`${location}/events`)
  t.match(stream.headers['content-type'], /^text\/event-stream/)
  const events = eventsOf<Job>(stream.body)
  t.equal(events.at(-1)?.name, 'done', 'the stream ends with the run')
  t.ok(events.slice(0, -1).every(({ name }) => name === 'progress'))
  const shares = events.map(({ data }) => data.progress)
  t.same(shares, shares.toSorted(), 'the share done only grows')

  const job = await find(service, { id: location.split('/').at(-1)! })
  t.match(job, { state: 'done', progress: 1, result: { anomaly_detector: { trained: true, samples: 60 } } })
  await eventually(async () => (await activeVersion(service)) === job.result?.anomaly_detector.version)
  t.equal(eventsOf(await service.app.inject(`${location}/events`).then(({ body }) => body)).length, 1)
})

t.test('a run that is stopped leaves the active model, and the next one begins', async (t) => {
  const service = await testService(t)
  await insertMinutes(service.sql, 30)
  await service.post('/train')
  const before = await activeVersion(service)
  const release = await holdTraffic(service.sql)
  const job = await begin(service)
  t.match(await service.post('/train'), {
    status: 409,
    body: { code: 'TRAINING_RUNNING', details: { job: job.id } },
  })
  t.match((await service.delete(`/train/jobs/${job.id}`)).body.data, { stop_requested: true })
  t.match(await ended(service, job), { state: 'stopped', error: { code: 'TRAINING_STOPPED' }, result: null })
  await eventually(async () => (await waitingQueries(service.sql)) === 0)
  t.equal(await activeVersion(service), before)
  await release()

  t.match(await service.post('/train'), {
    status: 200,
    body: { data: { anomaly_detector: { trained: true } } },
  })
  t.not(await activeVersion(service), before)
  t.match(await find(service, job), { state: 'stopped' })
  t.match((await service.delete(`/train/jobs/${job.id}`)).body.data, { state: 'stopped' }, 'and stays so')
})

t.test('who waits for a run that is stopped is told', async (t) => {
  const service = await testService(t)
  await insertMinutes(service.sql, 30)
  const release = await holdTraffic(service.sql)
  const waiting = service.post('/train')
  const { job } = (await eventually(async () => {
    const { data } = (await service.get('/train/status')).body
    return data['training'] ? data : undefined
  })) as { job: string }
  await service.delete(`/train/jobs/${job}`)
  t.match(await waiting, { status: 409, body: { code: 'TRAINING_STOPPED' } })
  await release()
})

t.test('a reader of the events who hangs up leaves nothing behind', async (t) => {
  const service = await testService(t)
  await service.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = service.app.server.address() as AddressInfo
  await insertMinutes(service.sql, 30)
  const release = await holdTraffic(service.sql)
  const job = await begin(service)
  const readers = await Promise.all(
    Array.from({ length: 5 }, async () => {
      const call = request(`http://127.0.0.1:${port}/train/jobs/${job.id}/events`, { agent: false })
      const [response] = (await once(call, 'response')) as [IncomingMessage]
      const [first] = (await once(response, 'data')) as [Buffer]
      t.match(first.toString(), /^event: progress\ndata: \{.*"state":"running"/)
      response.on('error', () => undefined).destroy()
      return response
    }),
  )
  t.equal(readers.length, 5)
  await eventually(async () => (await openSockets(service)) === 0)
  await eventually(async () => {
    const asked = await lastLook(service.sql)
    await delay(1200) // twice the pause between two looks at the run
    return (await lastLook(service.sql)).getTime() === asked.getTime()
  })
  t.pass('nobody asks for the run any more')
  await release()
  t.match(await ended(service, job), { state: 'done' })
})

t.test('a run whose service was killed is told of as failed, once its heart is silent', async (t) => {
  const service = await testService(t)
  const id = '6f1c0c1e-7d2b-4f5a-9d0e-3a4b5c6d7e8f'
  await service.sql`insert into aegis_ml_training_jobs (id, stage, request, started_at, heartbeat_at)
    values (${id}, 'fitting', '{}', now() - interval '1 minute', now() - interval '14 seconds')`
  t.match(await find(service, { id }), { state: 'running', stage: 'fitting' })
  await service.sql`update aegis_ml_training_jobs set heartbeat_at = now() - interval '16 seconds'`
  t.match(await find(service, { id }), { state: 'failed', error: { code: 'SERVICE_LOST' } })
  t.match((await service.get('/train/status')).body.data, { training: false, job: null })
})

t.test('intervals that are excluded are not learned from', async (t) => {
  const service = await testService(t)
  const first = await insertMinutes(service.sql, 60)
  const at = (minute: number) => new Date(first.getTime() + minute * 60_000).toISOString()
  const samples = async (exclude: object[]) => {
    const { body } = await service.post('/train', { exclude })
    return (body.data['anomaly_detector'] as { samples: number } | undefined)?.samples
  }
  t.equal(await samples([]), 60)
  t.equal(await samples([{ from: at(10), to: at(20) }]), 50)
  t.equal(
    await samples([
      { from: at(10), to: at(20) },
      { from: at(15), to: at(25) },
      { from: at(-100), to: at(1) },
    ]),
    44,
  )
  const versions = (await service.get('/model/versions')).body.data['anomaly_detector'] as {
    exclude: object[]
  }[]
  t.same(
    versions.map(({ exclude }) => exclude.length),
    [3, 1, 0],
  )
  t.equal(await samples([{ from: at(0), to: at(60) }]), 0, 'everything left out is nothing to learn from')
})

t.test('what cannot be asked for is refused by name', async (t) => {
  const service = await testService(t)
  const from = '2026-01-31T12:00:00Z'
  for (const to of [from, '2026-01-31T11:00:00Z', 'yesterday']) {
    const answer = await service.post('/train', { exclude: [{ from, to }] })
    const details = [{ field: 'exclude[0].to' }]
    t.match(answer, { status: 400, body: { code: 'INVALID_REQUEST', details } }, to)
  }
  t.match(await service.post('/train', { exclude: [{ from }] }), {
    status: 400,
    body: { message: /exclude\[0\].*to/ },
  })
  t.match(await service.post('/train', { wait: 'no' }), { status: 400, body: { message: /wait/ } })
  const unknown = '/train/jobs/00000000-0000-4000-8000-000000000000'
  for (const url of [unknown, `${unknown}/events`]) {
    t.match(await service.get(url), { status: 404, body: { code: 'JOB_NOT_FOUND', message: /POST \/train/ } })
    t.match(await service.get(url.replace('00000000-', 'x-')), { status: 400, body: { message: /id/ } })
  }
  t.match(await service.delete(unknown), { status: 404, body: { code: 'JOB_NOT_FOUND' } })
})

/** Queries of the service that wait for a lock. */
async function waitingQueries(sql: Sql): Promise<number> {
  const [row] = await sql<[{ count: number }]>`select count(*)::int as count from pg_stat_activity
    where datname = current_database() and application_name = 'aegis-ml' and wait_event_type = 'Lock'`
  return row.count
}

/** When a run was last asked for. */
async function lastLook(sql: Sql): Promise<Date> {
  const [row] = await sql<[{ at: Date }]>`select max(query_start) as at from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and query like '%"elapsedSeconds"%'`
  return row.at
}

function openSockets({ app }: Service): Promise<number> {
  return new Promise((resolve, reject) =>
    app.server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  )
}
