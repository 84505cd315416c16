import type { Sql } from 'postgres'
import type { Test } from 'tap'
import { poisson } from '../../../eval/detection/draws.js'
import { createRandom } from '../../../models/statistics/random.js'
import { createWatchedLog } from '../../../plugins/watcher/log.js'
import type { WatchOptions } from '../../../plugins/watcher/watch.js'
import { testService, type Service } from '../../service.js'

export const MINUTE = 60_000
const HISTORY = 180
/** A Monday. */
const START = Date.parse('2026-03-02T09:00:00Z')
export const never = new AbortController().signal

interface Endpoint {
  readonly path: string
  readonly rate: number
  readonly ms: number
}

const ENDPOINTS: readonly Endpoint[] = [
  { path: '/orders', rate: 60, ms: 40 },
  { path: '/search', rate: 30, ms: 90 },
  { path: '/login', rate: 6, ms: 150 },
]

export interface Trouble {
  /** How many times slower it is. */
  readonly slow?: Readonly<Record<string, number>>
  readonly isSilent?: boolean
}

/** A gateway that writes its log, minute by minute, and a clock. */
class Gateway {
  readonly #sql: Sql
  readonly #random = createRandom(7)
  /** The end of the last minute. */
  nowMs = START

  constructor(sql: Sql) {
    this.#sql = sql
  }

  rowsOf(fromMs: number, { slow = {}, isSilent = false }: Trouble = {}): object[] {
    if (isSilent) return []
    const random = this.#random
    return ENDPOINTS.flatMap(({ path, rate, ms }) =>
      Array.from({ length: poisson(random, rate) }, () => ({
        timestamp: new Date(fromMs + Math.floor(random.uniform() * MINUTE)),
        ...{ method: 'GET', path, status_code: random.uniform() < 0.01 ? 500 : 200 },
        response_time_ms: Math.round(ms * Math.exp(0.4 * random.normal()) * (slow[path] ?? 1)),
        ip_address: `10.0.0.${Math.floor(random.uniform() * 50)}`,
      })),
    )
  }

  async write(rows: readonly object[]): Promise<void> {
    for (let at = 0; at < rows.length; at += 5_000)
      await this.#sql`insert into request_logs ${this.#sql(rows.slice(at, at + 5_000) as never)}`
  }

  /** A minute passes; its rows are written at once. */
  async minute(trouble?: Trouble): Promise<void> {
    await this.write(this.rowsOf(this.nowMs, trouble))
    this.nowMs += MINUTE
  }
}

export interface Watched {
  readonly gateway: Gateway
  readonly service: Service
  readonly options: WatchOptions
  readonly told: string[]
}

/** A gateway with three hours of history that a model has learned. */
export async function watched(t: Test): Promise<Watched> {
  const service = await testService(t, { RETENTION_DAYS: '3650' })
  const { app, sql, post } = service
  const gateway = new Gateway(sql)
  for (let i = 0; i < HISTORY; i++) await gateway.minute()
  const range = { from: new Date(START).toISOString(), to: new Date(gateway.nowMs).toISOString() }
  t.equal((await post('/train', range)).status, 200)
  await app.watchModels.fit({ signal: never, to: new Date(gateway.nowMs) })
  const told: string[] = []
  const { incidents, watchModels, feedback, config, log } = app
  const { retentionDays, lookBackMinutes, pathRules } = config
  const options: WatchOptions = {
    ...{
      sql,
      incidents,
      watchModels,
      feedback,
      delayMs: 5_000,
      isAlways: false,
      now: () => gateway.nowMs + 6_000,
    },
    watchedLog: createWatchedLog({
      ...{ sql, trafficSql: sql, currentTable: app.trafficTable, log },
      ...{ retentionDays, lookBackMinutes, pathRules },
    }),
    announce: async (_, written) => {
      for (const { kind, incident } of written) if (kind !== null) told.push(`${kind} ${incident.id}`)
    },
    onWritten: () => undefined,
  }
  return { gateway, service, options, told }
}

interface Listed {
  readonly id: string
  readonly state: string
  readonly type: string
  readonly started_at: string
  readonly ended_at: string | null
  readonly explanation: string
  readonly endpoints: readonly { readonly endpoint: string }[]
}

export const listed = async ({ service }: Watched) =>
  (await service.get('/incidents')).body.data['incidents'] as unknown as Listed[]

/** The minutes of the gateway that were judged, in order. */
export const judged = async ({ service: { sql } }: Watched) =>
  (
    await sql<{ minute: Date }[]>`
      select minute from aegis_ml_watched_minutes where series_kind = 'gateway' order by minute`
  ).map(({ minute }) => minute.getTime())

export const isWithoutGap = (minutes: readonly number[]) =>
  minutes.every((minute, i) => i === 0 || minute === minutes[i - 1]! + MINUTE)
