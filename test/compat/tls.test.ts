import { execFileSync } from 'node:child_process'
import { chmod, chown, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { isDatabaseAway } from '../../db/errors.js'
import { openPool, type Connection } from '../../db/pool.js'
import { eventually } from '../eventually.js'
import { missingProgram } from '../missing-program.js'
import { connectTo, startTestServer } from '../postgres-server.js'
import { testDirectory } from '../postgres.js'
import { testService } from '../service.js'

const skip = missingProgram('openssl')

/** A server that accepts encrypted connections only, with a certificate for `localhost`. */
async function encryptedServer(t: Test): Promise<{ connection: Connection; ca: string; other: string }> {
  const server = await startTestServer()
  t.teardown(() => server.stop())
  const directory = await testDirectory(t)
  const certificate = async (name: string) => {
    const [key, file] = [join(directory, `${name}.key`), join(directory, `${name}.crt`)]
    const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`]
    const kind = [
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
    ]
    execFileSync('openssl', ['req', ...kind, ...subject, '-keyout', key, '-out', file], { stdio: 'ignore' })
    return { key, file }
  }
  const { key, file } = await certificate('localhost')
  const other = await certificate('other.example')
  const sql = connectTo(server.connection, { max: 1 })
  const [{ data }] = await sql<[{ data: string }]>`select current_setting('data_directory') as data`
  const [{ hba }] = await sql<[{ hba: string }]>`select current_setting('hba_file') as hba`
  await placeFor(data, key, 'server.key')
  await placeFor(data, file, 'server.crt')
  await sql.unsafe(`alter system set ssl = on`)
  const rules = (await readFile(hba, 'utf8')).replace(/^host(?=\s)/gm, 'hostssl')
  await writeFile(hba, rules)
  await sql`select pg_reload_conf()`
  await eventually(async () => (await connectOnce(server.connection)) !== undefined)
  await sql.end()
  return { connection: server.connection, ca: file, other: other.file }
}

/** Copies a file into the data directory, for the user that owns it. */
async function placeFor(data: string, from: string, name: string): Promise<void> {
  const { uid, gid } = await stat(data)
  const path = join(data, name)
  await writeFile(path, await readFile(from))
  await chmod(path, 0o600)
  await chown(path, uid, gid)
}

/** Why a connection fails. */
async function connectOnce(connection: Connection): Promise<Error | undefined> {
  const sql = openPool(connection, { max: 1 })
  try {
    await sql`select 1`
    return undefined
  } catch (error) {
    return error as Error
  } finally {
    await sql.end({ timeout: 1 })
  }
}

t.test(
  'an encrypted server is used, and its certificate is checked as the settings say',
  { skip },
  async (t) => {
    const { connection, ca, other } = await encryptedServer(t)
    const byName = { ...connection, host: 'localhost' }
    const [issuer, stranger] = [await readFile(ca, 'utf8'), await readFile(other, 'utf8')]
    t.match(await connectOnce(connection), { message: /no pg_hba.conf entry .* no encryption/ })
    t.equal(await connectOnce({ ...connection, tls: { verify: 'nothing' } }), undefined)
    t.equal(await connectOnce({ ...connection, tls: { verify: 'issuer', ca: issuer } }), undefined)
    t.equal(await connectOnce({ ...byName, tls: { verify: 'host', ca: issuer } }), undefined)

    const refused = [
      [{ ...connection, tls: { verify: 'host', ca: issuer } }, /does not match certificate's altnames/],
      [{ ...byName, tls: { verify: 'host', ca: stranger } }, /self-signed certificate/],
      [{ ...byName, tls: { verify: 'issuer', ca: stranger } }, /self-signed certificate/],
      [{ ...byName, tls: { verify: 'host' } }, /self-signed certificate/],
    ] as const
    for (const [place, message] of refused) {
      const error = await connectOnce(place)
      t.match(error, { message })
      t.ok(isDatabaseAway(error), 'it is a failure of the connection')
    }

    const sql = openPool({ ...connection, tls: { verify: 'nothing' } })
    t.teardown(() => sql.end({ timeout: 1 }))
    t.match(await sql`select ssl from pg_stat_ssl where pid = pg_backend_pid()`, [{ ssl: true }])
    const query = sql`select pg_sleep(60)`
    setTimeout(() => void Promise.resolve(query.cancel()), 200)
    await t.rejects(query, { code: '57014' }, 'a query can be cancelled')
    for (let round = 0; round < 3; round++) {
      const ended = sql.begin(async (tx) => {
        await tx`select pg_terminate_backend(pg_backend_pid())`
        await tx`select 1`
      })
      await t.rejects(ended)
      await sql`select 1`.catch(() => undefined)
      t.match(await sql`select 1 as one`, [{ one: 1 }])
    }
    await usedByService(t, byName, ca)
  },
)

async function usedByService(t: Test, connection: Connection, ca: string): Promise<void> {
  const { host, port, user, password, database } = connection
  const url = `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}?sslmode=verify-full`
  const none = {
    POSTGRES_HOST: '',
    POSTGRES_PORT: '',
    POSTGRES_DB: '',
    POSTGRES_USER: '',
    POSTGRES_PASSWORD: '',
  }
  const sql = openPool({ ...connection, tls: { verify: 'nothing' } })
  t.teardown(() => sql.end({ timeout: 1 }))
  const { get, post } = await testService(
    t,
    { ...none, POSTGRES_URL: url, POSTGRES_SSL_CA: ca },
    { sql, connection },
  )
  await eventually(async () => (await get('/health')).body.data['status'] === 'healthy')
  const requests = [{ timestamp: new Date().toISOString(), method: 'GET', path: '/a', status_code: 200 }]
  t.match(await post('/ingest/requests', { batch_id: 'a', requests }), { status: 202 })
  t.match(await get('/export/training-data?days=1&format=json'), { status: 404 }, 'rollups work')
}
