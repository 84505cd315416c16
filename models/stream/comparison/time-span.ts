/** A stretch of time, ms since 1970. It contains both of its ends. */
export interface TimeSpan {
  readonly fromMs: number
  readonly toMs: number
}

/** Whether two stretches of time overlap, or lie at most so far apart. */
export function isNear(a: TimeSpan, b: TimeSpan, toleranceMs = 0): boolean {
  return a.fromMs <= b.toMs + toleranceMs && b.fromMs <= a.toMs + toleranceMs
}
