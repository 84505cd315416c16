import { toNumber, type Int64 } from './messages.js'

/** Nanoseconds of a millisecond. */
const MS = 1e6

/** The latest time of a JavaScript date. */
const MAX_MS = 8.64e15

/** A time in nanoseconds since 1970, as milliseconds; undefined for 0 (not set) and what is no time. */
export function unixMs(nanoseconds: Int64 | null | undefined): number | undefined {
  if (nanoseconds === null || nanoseconds === undefined) return undefined
  const ms = toNumber(nanoseconds) / MS
  return ms > 0 && ms <= MAX_MS ? ms : undefined
}
