import { rm } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import {
  configuredServer,
  connectTo,
  openDirectory,
  relaxDurability,
  startTestServer,
} from '../postgres-server.js'
import { startInstallation } from './fuzz/installation.js'
import { runFuzz } from './fuzz/run.js'
import { openScope } from '../scope.js'

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
  },
})
const { scope, close } = openScope()
const directory = await openDirectory()
scope.teardown(() => rm(directory, { recursive: true, force: true }))
const configured = configuredServer(process.env)
let server = configured
if (server === undefined) {
  const own = await startTestServer()
  scope.teardown(() => own.stop())
  await relaxDurability(own.connection)
  server = own.connection
}
const admin = connectTo(server)
const database = `chaos_${process.pid}`
await admin`create database ${admin(database)}`
const connection = { ...server, database }
const sql = connectTo(connection)
scope.teardown(async () => {
  await sql.end({ timeout: 1 })
  await admin`drop database ${admin(database)} with (force)`
  await admin.end({ timeout: 1 })
})
const installation = await startInstallation(scope, directory, { sql, connection })
const report = await runFuzz(installation, {
  requests: Number(values.requests),
  seed: Number(values.seed),
  progress: ({ sent, violations, memory }) => {
    if (sent % 1000 === 0)
      process.stderr.write(`${sent} requests, ${violations} violations, ${Math.round(memory / 2 ** 20)} MB\n`)
  },
})
console.log(JSON.stringify(report, null, 1))
await close()
process.exitCode = report.violations.length > 0 ? 1 : 0
