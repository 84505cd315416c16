import type { FastifyInstance } from 'fastify'
import type { Sql } from 'postgres'
import { createAutomaticTraining, type AutomaticTraining } from '../../plugins/automatic-training.js'
import { silentLog } from '../postgres-server.js'

const HOUR_MS = 3_600_000

/** The automatic training of a service every hour, by a clock that is so many hours ahead. */
export function hoursAhead(
  app: FastifyInstance,
  hours: number,
  log: Parameters<typeof createAutomaticTraining>[0]['log'] = silentLog,
): AutomaticTraining {
  return createAutomaticTraining({
    ...{ sql: app.sql, trafficSql: app.trafficSql, training: app.training, models: app.models, log },
    audit: app.audit,
    ...{ currentTable: app.trafficTable, everyMs: HOUR_MS, timeZone: 'UTC', retentionDays: 90 },
    hasPrometheus: false,
    now: () => new Date(Date.now() + hours * HOUR_MS),
  })
}

/**
 * Requests of the last days, twelve a minute at any time.
 * @param failing the last minutes, in which half of the requests fail
 */
export async function insertDays(sql: Sql, days: number, failing = 0): Promise<void> {
  await sql`insert into request_logs (timestamp, method, path, status_code, response_time_ms)
    select now() - i * interval '5 seconds', 'GET', '/items/' || i % 3,
      case when i % 2 = 0 and i < ${failing * 12} then 500 else 200 end,
      (20 + (i * 7919::bigint) % 17) * case when i < ${failing * 12} then 6 else 1 end
    from generate_series(1, ${days * 17_280}) i`
}
