const STATUS = /^\d{3}$/

const NONE = new Set<unknown>(['-', '0', '-1', 0, -1])

/** The status of a line of JSON: NaN for what is none; null for 0, -1 and `-`, which say that there was no answer. */
export function readStatus(value: unknown): number | null {
  if (NONE.has(value)) return null
  const status = typeof value === 'string' && STATUS.test(value) ? Number(value) : value
  if (!Number.isInteger(status) || Number(status) < 0 || Number(status) >= 1000) return NaN
  return Number(status) < 100 ? null : Number(status)
}
