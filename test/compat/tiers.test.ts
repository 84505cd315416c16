import t from 'tap'
import { testDatabase } from '../postgres.js'
import { testService } from '../service.js'
import { runGatewayScripts } from './gateway-scripts.js'
import { cellsOf, MATRIX } from './matrix.js'
import { recommend } from './steps.js'
import { writeTraffic } from './traffic.js'

const cells = cellsOf('Tiers of the gateway')

t.test('the tiers that the gateway seeds', async (t) => {
  const database = await testDatabase(t)
  const { sql } = database
  await runGatewayScripts(sql, 'B')
  await writeTraffic(sql, { table: 'request_logs' })
  const service = await testService(t, {}, database)
  t.match(await service.post('/train', { days: 1 }), { status: 200 })
  for (const tier of MATRIX['Tiers of the gateway'].rows) {
    let id = ''
    let limit = 0
    await cells.cell(t, tier, 'optimize', async (t) => {
      const { status, body } = await recommend({ service }, tier)
      t.equal(status, 200)
      t.match(body, {
        data: { recommended_limit: Number, current_limit: null },
        warnings: [new RegExp(tier)],
      })
      ;({ id, recommended_limit: limit } = body.data as { id: string; recommended_limit: number })
    })
    await cells.cell(t, tier, 'apply', async (t) => {
      t.match(await service.post(`/optimize/recommendations/${id}/apply`), { status: 200 })
      const rules = await sql`
        select requests_per_minute from rate_limit_rules where endpoint_pattern = '/api/items/{id}' and tier = ${tier}`
      t.same(rules, [{ requests_per_minute: limit }])
    })
    await cells.cell(t, tier, 'current limit', async (t) => {
      t.match((await recommend({ service }, tier)).body.data, { current_limit: limit })
    })
    await cells.cell(t, tier, 'export', async (t) => {
      t.match(await service.get(`/export/rate-limits?tier=${tier}`), {
        status: 200,
        body: { data: { limits: [{}] } },
      })
    })
  }
  t.same(cells.left(), [])
})
