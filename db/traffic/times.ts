import type { ISql, PendingQuery, Row } from 'postgres'
import { localTimeOf } from '../../models/seasonality/local-time.js'
import { DAY_MS, MINUTE_MS } from '../../models/traffic/durations.js'
import type { TableShape } from '../table-columns.js'

// The column `timestamp` of a traffic table may have no time zone. PostgreSQL then takes its values for times in the
// time zone of the session, which is TRAFFIC_TIME_ZONE on every connection of the service. A cast to timestamptz and a
// comparison with one are right for both types, and both use the index on the column.

/** The time of a row. */
export const TIME = `"timestamp"::timestamptz`

/** The same in a statement of the driver. */
export const timeOf = (sql: ISql): PendingQuery<Row[]> => sql`"timestamp"::timestamptz`

interface Range {
  readonly from: Date
  /** Not included. */
  readonly to: Date
}

/** The rows of a range, as a condition. */
export const inRange = (sql: ISql, { from, to }: Range): PendingQuery<Row[]> =>
  sql`"timestamp" >= ${from}::timestamptz and "timestamp" < ${to}::timestamptz`

/** The same as text, since COPY takes no parameters. */
export const inRangeText = ({ from, to }: Range): string =>
  `"timestamp" >= timestamptz '${from.toISOString()}' and "timestamp" < timestamptz '${to.toISOString()}'`

/** How a time (ms since 1970) is written into the column. */
export function timeText({ columns, timeZone }: TableShape): (timeMs: number) => string {
  const hasZone = columns.get('timestamp')?.type !== 'timestamp without time zone'
  if (hasZone || timeZone === 'UTC') return (timeMs) => new Date(timeMs).toISOString()
  const localTime = localTimeOf(timeZone)
  return (timeMs) => {
    const { day, minuteOfWeek } = localTime(timeMs)
    const minuteMs = day * DAY_MS + ((minuteOfWeek * MINUTE_MS) % DAY_MS)
    const intoMinuteMs = timeMs - Math.floor(timeMs / MINUTE_MS) * MINUTE_MS
    return new Date(minuteMs + intoMinuteMs).toISOString().slice(0, -1)
  }
}
