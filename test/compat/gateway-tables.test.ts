import t, { type Test } from 'tap'
import { testDatabase } from '../postgres.js'
import { testService } from '../service.js'
import { runGatewayScripts } from './gateway-scripts.js'
import { startCluster, type TestDatabase } from './servers/cluster.js'
import { cellsOf, FIRST, SCHEMAS, SERVERS, STEPS } from './matrix.js'
import { WORK } from './steps.js'
import { missingCompatPrograms } from './programs-needed.js'
import { writeTraffic } from './traffic.js'

const skip = missingCompatPrograms('postgres')
const cells = cellsOf('Tables of the gateway')

async function runRow(
  t: Test,
  row: { schema: (typeof SCHEMAS)[number]; first: (typeof FIRST)[number]; name: string },
  database: TestDatabase,
): Promise<void> {
  const { sql } = database
  const { schema, first, name } = row
  if (first === 'gateway first') await runGatewayScripts(sql, schema)
  const service = await testService(t, {}, database)
  if (first === 'service first') await runGatewayScripts(sql, schema)
  const table = schema.endsWith('C') ? 'request_metrics' : 'request_logs'
  await writeTraffic(sql, { table })
  for (const step of STEPS) {
    await cells.cell(t, name, step, (t) => WORK[step](t, { service, sql, table }))
  }
}

t.test('the tables of the gateway, whoever creates them first', { skip }, async (t) => {
  const debian = await startCluster(t)
  for (const server of SERVERS) {
    for (const schema of SCHEMAS) {
      for (const first of FIRST) {
        const name = `${schema}, ${first}, ${server}`
        await t.test(name, async (t) => {
          const database = await (server === 'PostgreSQL 15' ? debian.createDatabase(t) : testDatabase(t))
          await runRow(t, { schema, first, name }, database)
        })
      }
    }
  }
  t.same(cells.left(), [])
})
