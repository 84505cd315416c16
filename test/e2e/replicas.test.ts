import type { Sql } from 'postgres'
import t, { type Test } from 'tap'
import { testDatabase } from '../postgres.js'
import { eventsOf } from './event-stream.js'
import { eventually } from '../eventually.js'
import { get, post, remove } from './process.js'
import { startReplica, versionInUse, type Replica } from './replica.js'
import { holdTraffic, holdVersions, insertMinutes } from './traffic.js'

async function twoReplicas(
  t: Test,
): Promise<{ sql: Sql; a: Replica; b: Replica; start(): Promise<Replica> }> {
  const { sql, connection } = await testDatabase(t)
  const start = () => startReplica(t, connection)
  const [a, b] = await Promise.all([start(), start()])
  return { sql, a, b, start }
}

async function bothUse(t: Test, replicas: Replica[], version: string | null, what: string) {
  const since = performance.now()
  await eventually(async () => (await Promise.all(replicas.map(versionInUse))).every((v) => v === version))
  t.pass(`${what} (${Math.round(performance.now() - since)} ms)`)
}

const versionOf = ({ body }: { body: { data: Record<string, unknown> } }) =>
  ((body.data['anomaly_detector'] ?? body.data) as { version: string }).version

t.test('a training started on both replicas at once runs once, and both serve what it made', async (t) => {
  const { sql, a, b, start } = await twoReplicas(t)
  const replicas = [a, b]
  await Promise.all(
    replicas.map(({ service }) => post(`${service.url}/generate/synthetic`, { duration_hours: 24 })),
  )
  await insertMinutes(sql, 60)

  const versions: string[] = []
  for (const route of ['/train', '/train/synthetic']) {
    // Held open at its last step, so that the other is sure to come while it runs.
    const release = await holdVersions(sql)
    const answers = replicas.map(({ service }) => post(`${service.url}${route}`))
    const refusal = await Promise.race(answers)
    t.match(refusal, { status: 409, body: { code: 'TRAINING_RUNNING' } }, `${route}: refused`)
    const { data: running } = (await get(`${b.service.url}/train/status`)).body
    t.match(refusal.body, { details: { job: running['job'] } }, 'by naming the run')
    await release()
    const done = (await Promise.all(answers)).find(({ status }) => status === 200)!
    versions.push(versionOf(done))
    await bothUse(t, replicas, versions.at(-1)!, 'both serve the new version')
  }
  const [jobs] = await sql`select count(*)::int as runs from aegis_ml_training_jobs where state = 'done'`
  t.equal(jobs!['runs'], versions.length, 'each ran once')

  const [first, second] = versions
  t.match(await post(`${b.service.url}/model/activate`, { model: 'anomaly', version: first }), {
    status: 200,
  })
  await bothUse(t, replicas, first!, 'the old version moves both back')
  const third = await start()
  t.equal(await versionInUse(third), first, 'one that starts later has the active version, not the newest')
  replicas.push(third)

  t.match(await post(`${a.service.url}/model/reset`), { status: 200 })
  await bothUse(t, replicas, null, 'a reset resets all')
  t.match(await post(`${third.service.url}/model/load`), { status: 200 })
  await bothUse(t, replicas, second!, 'what one loads, all use')
})

t.test('a run of one replica is told of, followed and stopped on the other', async (t) => {
  const { sql, a, b } = await twoReplicas(t)
  await insertMinutes(sql, 30)
  const release = await holdTraffic(sql)
  const waiting = post(`${a.service.url}/train`)
  const id = await eventually(async () => {
    const { data } = (await get(`${b.service.url}/train/status`)).body
    return (data['job'] as string | null) ?? undefined
  })
  const job = `${b.service.url}/train/jobs/${id}`
  t.match((await get(job)).body.data, { id, state: 'running', request: { source: 'request_logs' } })
  const stream = fetch(`${job}/events`).then((response) => response.text())
  t.match((await remove(job)).body.data, { id, stop_requested: true })
  t.match(await waiting, { status: 409, body: { code: 'TRAINING_STOPPED' } })
  const events = eventsOf<{ state: string }>(await stream)
  t.match(events.at(0), { name: 'progress', data: { id, state: 'running' } })
  t.match(events.at(-1), { name: 'stopped', data: { id, state: 'stopped' } })
  await release()
  t.match(await post(`${b.service.url}/train`), { status: 200 }, 'the next run can begin')
})

t.test('a replica whose connection for notifications breaks still learns of changes', async (t) => {
  const { sql, a, b } = await twoReplicas(t)
  await insertMinutes(sql, 30)
  const first = versionOf(await post(`${a.service.url}/train`))
  await bothUse(t, [a, b], first, 'both serve the first version')
  const second = versionOf(await post(`${a.service.url}/train`))
  await bothUse(t, [a, b], second, 'both serve the second version')
  for (const [version, what] of [
    [first, 'a change right after the break'],
    [second, 'another'],
  ] as const) {
    await eventually(async () => {
      const listening = await sql`select pid from pg_stat_activity
        where datname = current_database() and application_name = 'aegis-ml' and query like 'listen%aegis_ml_active_models%'`
      return listening.length === 2
    })
    const broken = await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'aegis-ml' and query like 'listen%aegis_ml_active_models%'`
    t.equal(broken.length, 2, 'both listened')
    await post(`${a.service.url}/model/activate`, { model: 'anomaly', version })
    await bothUse(t, [a, b], version, what)
  }
})

t.test('a replica that hangs while it trains loses the right to, and gives up when it goes on', async (t) => {
  const { sql, a, b } = await twoReplicas(t)
  await insertMinutes(sql, 30)
  const release = await holdTraffic(sql)
  await post(`${b.service.url}/generate/synthetic`, { duration_hours: 24 })
  const hanging = post(`${a.service.url}/train`)
  await eventually(async () => (await get(`${b.service.url}/train/status`)).body.data['training'] === true)
  a.service.child.kill('SIGSTOP')
  await release()
  t.match(await post(`${b.service.url}/train/synthetic`), { status: 409, body: { code: 'TRAINING_RUNNING' } })
  const trained = await eventually(
    async () => {
      const answer = await post(`${b.service.url}/train/synthetic`)
      return answer.status === 200 && answer
    },
    { pauseMs: 200 },
  )
  a.service.child.kill('SIGCONT')
  t.match(await hanging, { status: 503, body: { code: 'DATABASE_UNAVAILABLE' } })
  await bothUse(t, [a, b], versionOf(trained), 'both serve what the other made')
})
