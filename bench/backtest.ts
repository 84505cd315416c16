import type { Sql } from 'postgres'
import { migrate } from '../db/migrate.js'
import { GATEWAY } from '../models/rate-limit/recommendation.js'
import { createBacktests, type BacktestPlan } from '../plugins/optimization/backtest.js'
import { connectTo, silentLog, startTestServer } from '../test/postgres-server.js'
import type { Benchmark, Comparison } from './benchmark.js'
import { psqlInstalled, timedPsql } from './psql.js'

const ROWS = 5_000_000
const FROM = new Date('2026-03-01T00:00:00Z')
const TO = new Date('2026-03-08T00:00:00Z')
const LIMIT = 20
const MAX_MS = 10_000
const REPETITIONS = 3
const TABLE = 'request_logs'

const rule = { limit: LIMIT, burst: LIMIT, windowMs: 60_000 }
const plans = {
  'gateway-client': { endpoint: null, rules: new Map(), gateway: rule, scope: 'gateway-client' },
  client: { endpoint: null, rules: rule, gateway: null, scope: 'client' },
  endpoint: { endpoint: null, rules: rule, gateway: null, scope: 'endpoint' },
  'one endpoint': { endpoint: '/api/resource-1', rules: rule, gateway: null, scope: 'client' },
} as const

/** A week of requests by client and minute, and what a limit of each client would reject: in windows of the clock. */
const COUNT = `
  select sum(greatest(0, n - ${LIMIT})) from (
    select count(*) as n from ${TABLE} where "timestamp" >= '${FROM.toISOString()}' and "timestamp" < '${TO.toISOString()}'
    group by coalesce(user_id, host(ip_address)), date_trunc('minute', "timestamp")
  ) counted`

/**
 * A backtest of a week of five million requests, from the call to the report, against psql with the count that SQL can
 * do, and against the ten seconds that it may take.
 */
export const backtest: Benchmark = {
  name: 'backtest of a week',
  async prepare() {
    if (!psqlInstalled()) return { skipped: 'psql is not installed.' }
    const server = await startTestServer()
    const { connection } = server
    const sql = connectTo(connection)
    await migrate(sql)
    await fill(sql)
    const backtests = createBacktests({
      ...{ sql, trafficSql: sql, connection, traffic: null, log: silentLog },
      assertTraffic: async () => undefined,
      currentTable: async () => TABLE,
      ...{ retentionDays: 90, ipv6Prefix: 64, refresh: async () => false },
      now: () => TO,
    })
    const replayed = async (plan: BacktestPlan) => {
      const start = performance.now()
      const { report } = await backtests.run(plan, new AbortController().signal)
      if (report.requests === 0) throw new Error(`Nothing was replayed of ${plan.endpoint ?? GATEWAY}.`)
      return performance.now() - start
    }
    const psql = { name: 'psql, count', measure: () => timedPsql(connection, COUNT) }
    const allowed = { name: '10 s', measure: () => MAX_MS }
    const comparisons = Object.entries(plans).flatMap(([name, part]): Comparison[] => {
      const plan = {
        ...part,
        from: FROM,
        to: TO,
        byMethod: false,
        algorithm: 'token_bucket',
        costs: null,
      } as const
      const candidate = { name, measure: () => replayed(plan) }
      const shared = { rows: ROWS, candidate, repetitions: REPETITIONS }
      return name === 'gateway-client'
        ? [
            { ...shared, reference: psql },
            { ...shared, reference: allowed, target: 1 },
          ]
        : [{ ...shared, reference: allowed, target: 1 }]
    })
    return {
      comparisons,
      async finish() {
        await sql.end()
        await server.stop()
      },
    }
  },
}

/** Twenty endpoints and two thousand clients; a few clients send most of the requests. */
async function fill(sql: Sql): Promise<void> {
  await sql`
    insert into request_logs ("timestamp", method, path, status_code, response_time_ms, user_id, ip_address)
    select ${FROM}::timestamptz + i * (interval '7 days' / ${ROWS}::int), case when i % 3 = 0 then 'POST' else 'GET' end,
      '/api/resource-' || i % 20 || case when i % 2 = 0 then '/' || i % 5000 else '' end,
      case when i % 97 = 0 then 500 else 200 end, 10 + i * 7919::bigint % 400,
      case when i % 10 > 0 then 'user-' || client end, '10.0.0.0'::inet + client
    from (
      select i, floor(2000 * (((i * 7919::bigint) % 10007) / 10007.0) ^ 3)::int as client
      from generate_series(0, ${ROWS - 1}) i
    ) numbered`
  await sql`vacuum analyze request_logs`
}
