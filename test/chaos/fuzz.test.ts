import t from 'tap'
import { testDatabase, testDirectory } from '../postgres.js'
import { startInstallation } from './fuzz/installation.js'
import { runFuzz } from './fuzz/run.js'

const REQUESTS = 400

t.test('every answer to a generated request is one of the contract', async (t) => {
  const installation = await startInstallation(t, await testDirectory(t), await testDatabase(t))
  const { violations, statuses, operations, probes } = await runFuzz(installation, {
    requests: REQUESTS,
    seed: 1,
  })
  t.same(violations, [])
  const share = (digit: string) => {
    const counts = Object.entries(statuses).filter(([status]) => status.startsWith(digit))
    return counts.reduce((total, [, count]) => total + count, 0) / REQUESTS
  }
  t.ok(share('2') > 0.2 && share('4') > 0.3, `valid and invalid requests: ${JSON.stringify(statuses)}`)
  t.ok(operations > 50, `over ${operations} operations`)
  t.equal(probes.failed, 0)
})
