import type { Sql } from 'postgres'
import { isTableUnusable } from '../../db/errors.js'
import { openIncidents } from '../../db/own/incidents.js'
import { newestOfGateway, reportingSources } from '../../db/own/watched-minutes.js'
import type { TrafficTable } from '../../db/traffic/table.js'
import { rolledUpTo, watchedEndpoints } from '../../db/traffic/timeline.js'
import type { Series } from '../../models/incidents/series-minute.js'
import { DAY_MS, MINUTE_MS } from '../../models/traffic/durations.js'
import { OLD_DAYS, type WatchModel } from '../../models/watch/watch-model.js'

/** A series, and how it is. */
export interface WatchedSeries {
  readonly series: Series
  /** The newest minute with requests or a report; null without any. */
  readonly lastReport: Date | null
  /** not_watched: it has traffic, but nothing judges it. */
  readonly status: 'normal' | 'alarm' | 'silent' | 'not_watched'
  /** Id of an incident that goes on. */
  readonly openIncident: string | null
  /**
   * How well the watch model knows an endpoint: known, young (its rhythm was learned from few days, so that larger
   * deviations are taken), or missing. Null of others, and without a watch model.
   */
  readonly model: 'known' | 'young' | 'missing' | null
}

const MAX_ENDPOINTS = 1_000
const MAX_OPEN = 1_000
const SOURCE_DAYS = 7
/** A series without a report for longer than this, and than three of its intervals, is silent. */
const SILENT_MS = 10 * MINUTE_MS

/** The gateway, its endpoints of the last day, and the sources that have reported in the last week. */
export async function watchedSeries(
  sql: Sql,
  table: TrafficTable,
  watch: WatchModel | null,
  nowMs: number,
): Promise<WatchedSeries[]> {
  const [openOnes, gateway, sources] = await Promise.all([
    openIncidents(sql, MAX_OPEN),
    newestOfGateway(sql),
    reportingSources(sql, new Date(nowMs - SOURCE_DAYS * DAY_MS)),
  ])
  const reached = await orNothing(rolledUpTo(sql, table), undefined)
  const endpoints = await orNothing(watchedEndpoints(sql, table, new Date(nowMs - DAY_MS), MAX_ENDPOINTS), [])
  const key = ({ kind, name }: Series) => `${kind} ${name}`
  const open = new Map<string, string>()
  for (const { id, series, endpoints: affected } of openOnes.toReversed()) {
    open.set(key(series), id)
    for (const { endpoint } of affected) open.set(`endpoint ${endpoint}`, id)
  }
  const isSilent = (at: Date, seconds: number) => nowMs - at.getTime() > Math.max(SILENT_MS, 3000 * seconds)
  const of = (series: Series, lastReport: Date | null, usual: WatchedSeries['status']): WatchedSeries => {
    const openIncident = open.get(key(series)) ?? null
    const status = openIncident === null ? usual : 'alarm'
    return { series, lastReport, status, openIncident, model: knownBy(watch, series) }
  }
  const reported = (series: Series, at: Date, seconds: number, anomaly: boolean) =>
    of(series, at, isSilent(at, seconds) ? 'silent' : anomaly ? 'alarm' : 'normal')
  const whole: Series = { kind: 'gateway', name: '' }
  const ofGateway = gateway
    ? [reported(whole, gateway.at, gateway.seconds, gateway.anomaly)]
    : reached === undefined
      ? []
      : [of(whole, reached, 'not_watched')]
  const isWatched = gateway !== undefined
  return [
    ...ofGateway,
    ...sources.map(({ source, at, seconds, anomaly }) =>
      reported({ kind: 'source', name: source }, at, seconds, anomaly),
    ),
    ...endpoints.map(({ endpoint, at }) =>
      of({ kind: 'endpoint', name: endpoint }, at, isWatched ? 'normal' : 'not_watched'),
    ),
  ]
}

function knownBy(watch: WatchModel | null, { kind, name }: Series): WatchedSeries['model'] {
  if (watch === null || kind !== 'endpoint') return null
  const endpoint = watch.endpoints.get(name)
  if (endpoint === undefined) return 'missing'
  return endpoint.minutes < OLD_DAYS * DAY_MINUTES ? 'young' : 'known'
}

const DAY_MINUTES = DAY_MS / MINUTE_MS

/** The rollup tables may be dropped. */
async function orNothing<T>(work: Promise<T>, nothing: T): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (isTableUnusable(error)) return nothing
    throw error
  }
}
