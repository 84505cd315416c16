import type { Sql } from 'postgres'
import { trafficSpan } from '../../db/traffic/traffic-span.js'
import { knowsTheDay } from '../../models/anomaly/model.js'
import { DAY_MS, MINUTE_MS } from '../../models/traffic/durations.js'
import { MODEL_NAMES, type ActiveDetector, type ActiveModels } from '../model-registry.js'
import { MIN_AUTOMATIC_MINUTES, type TrainingRequest } from '../training/plan.js'
import type { CurrentTable } from '../traffic-table.js'

interface RequestOptions {
  readonly retentionDays: number
  readonly hasPrometheus: boolean
  readonly now: () => Date
}

/** An automatic training learns from two weeks, which show windows of the week; from more where the active model did. */
const MIN_DAYS = 14

/** A traffic that covers less than this share of the days whose rhythm the active model has learned would be a step back. */
const MIN_SHARE_OF_DAYS = 0.5

/** As many as POST /train takes. */
const MAX_EXCLUDED = 1000

/** A training like the one before: the same models, rows, source and length, without what was left out by hand. */
export function automaticRequest(
  active: ActiveModels,
  { retentionDays, hasPrometheus, now }: RequestOptions,
): TrainingRequest {
  const named = MODEL_NAMES.filter((name) => active[name] !== null)
  const recorded = recordOf(active.anomaly)
  const days = Math.max(1, Math.min(retentionDays, Math.max(MIN_DAYS, daysOf(recorded))))
  const sinceMs = now().getTime() - days * DAY_MS
  const exclude = (recorded?.exclude ?? []).filter(({ to }) => Date.parse(to) > sinceMs).slice(-MAX_EXCLUDED)
  const seconds = active.anomaly?.model.intervalSeconds ?? 60
  return {
    days,
    exclude,
    ...(named.length > 0 && { models: named }),
    ...(seconds > 60 && seconds % 60 === 0 && { intervalSeconds: seconds }),
    ...(hasPrometheus && recorded && { source: recorded.source === 'prometheus' ? 'prometheus' : 'table' }),
  }
}

/** How the active detector was trained on recorded traffic; null where it was not. */
function recordOf(active: ActiveDetector | null) {
  const record = active?.training ?? null
  return record && record.source !== 'synthetic' ? record : null
}

function daysOf(record: ReturnType<typeof recordOf>): number {
  if (!record?.from || !record.to) return 0
  return Math.round((Date.parse(record.to) - Date.parse(record.from)) / DAY_MS)
}

/**
 * Why the traffic table has too little to train on, in a sentence; null when it has enough. The training itself finds out
 * about tables that cannot be read, and about Prometheus.
 */
export async function whyTooLittle(
  options: RequestOptions & { readonly trafficSql: Sql; readonly currentTable: CurrentTable },
  active: ActiveModels,
): Promise<string | null> {
  if (options.hasPrometheus) return null
  const table = await options.currentTable()
  const { days = MIN_DAYS } = automaticRequest(active, options)
  const to = options.now()
  const range = { from: new Date(to.getTime() - days * DAY_MS), to }
  const span = await trafficSpan(options.trafficSql, table, range).catch(() => undefined)
  if (span === undefined) return null
  if (span === null) return `The table ${table} has no requests of the last ${days} days.`
  const lengthMs = span.newest.getTime() - span.oldest.getTime()
  if (lengthMs < MIN_AUTOMATIC_MINUTES * MINUTE_MS) {
    return `The table ${table} has ${Math.floor(lengthMs / MINUTE_MS)} minutes of traffic; an automatic training needs ${MIN_AUTOMATIC_MINUTES}.`
  }
  const learned =
    recordOf(active.anomaly) && knowsTheDay(active.anomaly!.model) ? active.anomaly!.model.days : 0
  // A table that is kept for fewer days than the active model has learned from must not end the trainings.
  const needed = Math.min(MIN_SHARE_OF_DAYS * Math.min(learned, days), MIN_DAYS - 1)
  if (lengthMs >= needed * DAY_MS) return null
  const found = Math.floor((10 * lengthMs) / DAY_MS) / 10
  return `The table ${table} has ${found} days of traffic; an automatic training needs ${Math.ceil(10 * needed) / 10}, since the active model has learned from ${Math.round(learned)}.`
}
