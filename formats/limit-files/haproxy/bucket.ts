import type { LongWindow } from '../../../models/rate-limit/recommendation.js'

/** Times count modulo 2^31: they fit into the counter of a table, with a bucket added to them. */
const WRAP = 2 ** 31
const HALF = 2 ** 30

/** How fine the clock of the rules is. */
export interface Clock {
  readonly unit: 'us' | 'ms'
  readonly perMinute: number
}

interface Rate {
  readonly limit: number
  readonly burst: number
}

/** Microseconds, where the slowest bucket takes less than half the range of the counter to fill. */
export function clockFor(rates: readonly Rate[]): Clock {
  const fits = rates.every(({ limit, burst }) => (burst * 60_000_000) / limit < HALF)
  return fits ? { unit: 'us', perMinute: 60_000_000 } : { unit: 'ms', perMinute: 60_000 }
}

/** The time now, on a clock that begins anew at WRAP. */
export function clockLines({ unit }: Clock): string[] {
  return [rule(`set-var(txn.aegis_now) date(0,${unit}),mod(${WRAP})`)]
}

/** Sets what a bucket needs: the time of a token, and that of a full bucket. */
export function rateLines(
  part: string,
  { limit, burst }: Rate,
  { perMinute }: Clock,
  condition: string,
): string[] {
  const step = Math.max(1, Math.floor(perMinute / limit))
  return [
    rule(`set-var(txn.aegis_${part}_step) int(${step})${condition}`),
    rule(`set-var(txn.aegis_${part}_depth) int(${step * burst})${condition}`),
  ]
}

/** Sets the limit of a long window. */
export function longLines(part: string, longWindow: LongWindow | null, condition: string): string[] {
  return longWindow ? [rule(`set-var(txn.aegis_${part}_long) int(${longWindow.limit})${condition}`)] : []
}

/**
 * The generic cell rate algorithm (ITU-T I.371, annex A): gpt0 is when the bucket is full again. `ahead` is the time
 * until then, signed; a value beyond a full bucket is left from another turn of the clock. A request needs room for
 * one step. Without a tracked key nothing is over.
 */
export function bucketLines(part: string, counter: number, hasLong: boolean): string[] {
  const name = (what: string) => `txn.aegis_${part}_${what}`
  const tracked = ` if { var(${name('step')}) -m found }`
  return [
    rule(
      `set-var(${name('ahead')}) sc_get_gpt0(${counter}),sub(txn.aegis_now),add(${WRAP + HALF}),mod(${WRAP}),sub(${HALF})${tracked}`,
    ),
    rule(`set-var(${name('stale')}) var(${name('ahead')}),sub(${name('depth')})${tracked}`),
    rule(`set-var(${name('ahead')}) int(0) if { var(${name('ahead')}) -m int lt 0 }`),
    rule(`set-var(${name('ahead')}) int(0) if { var(${name('stale')}) -m int gt 0 }`),
    rule(`set-var(${name('ahead')}) var(${name('ahead')}),add(${name('step')})${tracked}`),
    rule(`set-var(${name('over')}) var(${name('ahead')}),sub(${name('depth')})${tracked}`),
    rule(`set-var(txn.aegis_over) str(${part}) if { var(${name('over')}) -m int gt 0 }`),
    ...(hasLong
      ? [
          rule(
            `set-var(${name('used')}) sc_gpc0_rate(${counter}),sub(${name('long')}) if { var(${name('long')}) -m found }`,
          ),
          rule(`set-var(txn.aegis_over) str(${part}) if { var(${name('used')}) -m int ge 0 }`),
        ]
      : []),
  ]
}

/** Counts a request that passes. */
export function takeLines(part: string, counter: number, hasLong: boolean): string[] {
  const passes = `if { var(txn.aegis_${part}_step) -m found } !{ var(txn.aegis_over) -m found }`
  return [
    rule(`sc-set-gpt0(${counter}) var(txn.aegis_now),add(txn.aegis_${part}_ahead),mod(${WRAP}) ${passes}`),
    ...(hasLong ? [rule(`sc-inc-gpc0(${counter}) ${passes} { var(txn.aegis_${part}_long) -m found }`)] : []),
  ]
}

export function rule(text: string): string {
  return `    http-request ${text}`
}
