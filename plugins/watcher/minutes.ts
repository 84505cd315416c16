import type { Sql } from 'postgres'
import { newAlarmsOfSources, type AlarmPlace, type WatchedMinute } from '../../db/own/watched-minutes.js'
import type { SeriesMinute } from '../../models/incidents/series-minute.js'
import { GATEWAY } from '../../models/stream/stream-state.js'
import { intervalOf } from '../../models/watch/endpoint-minute.js'
import type { JudgedRound } from '../../models/watch/judge-round.js'
import { watchedMinuteOf } from '../incidents/watched-minute.js'

/** An alarm of a source, and where it is stored. */
export interface SourceAlarm {
  readonly minute: SeriesMinute
  readonly place: AlarmPlace
}

/**
 * The alarms of sources by minute, in ms since 1970. Those that were reported late are in the first minute. Reports of the
 * default source are about the gateway.
 * @param isAlone whether there is no log that shows the gateway itself
 */
export async function sourceAlarms(
  sql: Sql,
  fromMs: number,
  toMs: number,
  isAlone: boolean,
): Promise<ReadonlyMap<number, readonly SourceAlarm[]>> {
  const alarms = new Map<number, SourceAlarm[]>()
  for (const each of await newAlarmsOfSources(sql, { from: new Date(fromMs), to: new Date(toMs) })) {
    const isGateway = each.series.name === GATEWAY
    if (isGateway && !isAlone) continue
    const series = isGateway ? ({ kind: 'gateway', name: '' } as const) : each.series
    const timeMs = Math.max(each.timeMs, fromMs)
    const place = { source: each.series.name, timeMs: each.timeMs }
    alarms.set(timeMs, [...(alarms.get(timeMs) ?? []), { minute: { ...each, series, timeMs }, place }])
  }
  return alarms
}

/** A minute about which nothing is known. It lets incidents end. */
export function quietMinute(timeMs: number): SeriesMinute {
  const nothing = { requests: 0, failed: 0, latencyMs: null }
  const series = { kind: 'source', name: '' } as const
  return { ...{ series, timeMs, seconds: 60 }, ...nothing, expected: nothing, alarm: null }
}

/** What is stored of a judged minute. */
export function watchedMinutes({ notable }: JudgedRound): WatchedMinute[] {
  return notable.map(({ minute, traffic, verdict }) => {
    const { series, timeMs, alarm } = minute
    const watched = watchedMinuteOf(series, { timeMs, interval: intervalOf(traffic) }, verdict, alarm)
    // An alarm that the endpoints explain is none.
    const isExplained = verdict.confirmed && alarm === null
    return isExplained ? { ...watched, anomaly: false, type: null, severity: null } : watched
  })
}
