import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Connection } from '../../db/pool.js'
import { freePort } from '../e2e/process.js'
import { insertMinutes } from '../e2e/traffic.js'
import { eventually } from '../eventually.js'
import { missingProgram } from '../missing-program.js'
import { testDatabase, testDirectory } from '../postgres.js'
import { testService } from '../service.js'

const skip = missingProgram('pgbouncer')

/** PgBouncer as it is installed, in front of a database. */
async function startPgBouncer(t: Test, connection: Connection, settings: string): Promise<Connection> {
  const directory = await testDirectory(t)
  await chmod(directory, 0o777)
  const { host, port, user, password, database } = connection
  const users = join(directory, 'users.txt')
  await writeFile(users, `"${user}" "${password}"\n`)
  const ownPort = await freePort()
  const file = join(directory, 'pgbouncer.ini')
  const place = `host=${host} port=${port} user=${user} password=${password}`
  const lines = ['listen_addr = 127.0.0.1', `listen_port = ${ownPort}`, `unix_socket_dir = ${directory}`]
  const login = ['auth_type = md5', `auth_file = ${users}`]
  const text = [`[databases]`, `${database} = ${place}`, '[pgbouncer]', ...lines, ...login, settings]
  await writeFile(file, text.join('\n'))
  const child = spawn('pgbouncer', [...(process.getuid?.() === 0 ? ['-u', 'postgres'] : []), file], {
    stdio: 'ignore',
  })
  t.teardown(async () => {
    child.kill('SIGTERM')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
  await eventually(() => answers(ownPort), { what: 'PgBouncer' })
  return { ...connection, host: '127.0.0.1', port: ownPort }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    socket.once('connect', () => resolve(socket.destroy() !== undefined))
  })
}

t.test('behind a PgBouncer in session mode everything works', { skip }, async (t) => {
  const { sql, connection } = await testDatabase(t)
  const pooled = await startPgBouncer(t, connection, '')
  const { get, post } = await testService(t, {}, { sql, connection: pooled })
  await eventually(async () => (await get('/health')).body.data['status'] === 'healthy')
  const requests = [{ timestamp: new Date().toISOString(), method: 'GET', path: '/a', status_code: 200 }]
  t.match(await post('/ingest/requests', { batch_id: 'a', requests }), { status: 202 })
  await insertMinutes(sql, 300)
  t.match(await post('/train'), { status: 200, body: { data: { anomaly_detector: { trained: true } } } })
  t.match(await post('/optimize/all', {}), { status: 200 })
  t.match((await get('/health')).body.data, { status: 'healthy', problems: [] })
})

for (const [pools, settings] of [
  ['one connection', 'default_pool_size = 1'],
  ['several connections', 'default_pool_size = 20'],
] as const) {
  t.test(`a PgBouncer in transaction mode with ${pools} is reported`, { skip }, async (t) => {
    const { sql, connection } = await testDatabase(t)
    const pooled = await startPgBouncer(t, connection, `pool_mode = transaction\n${settings}`)
    const { get } = await testService(t, {}, { sql, connection: pooled })
    const { problems } = await eventually(async () => {
      const { data } = (await get('/health')).body
      return (data['problems'] as string[]).some((problem) => problem.includes('pool_mode')) && data
    })
    t.match(problems, [/^The connections to the database are shared .* pool_mode = session in PgBouncer/])
  })
}
