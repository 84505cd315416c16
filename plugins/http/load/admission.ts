/**
 * Decides which requests are served while more arrive than can be served.
 *
 * Node.js serves what has arrived turn by turn: in each turn of the event loop it takes one after the other from all
 * connections that have data. What arrives meanwhile waits for the next turn, so the length of a turn is how long
 * requests wait. With less load than can be served, turns become shorter by themselves. With more, each is longer than
 * the one before.
 *
 * The service is overloaded when every turn of an `INTERVAL_MS` was long and the loop never rested: a queue that
 * stands, where a burst or a pause of the process drains. From then on, each turn serves requests for `TURN_MS` and
 * refuses the others, until nothing had to be refused for `CALM_MS`. This is the rule of CoDel (Nichols and Jacobson,
 * "Controlling Queue Delay", ACM Queue 10, 2012) with the turn for the sojourn time. The mean delay of the event loop,
 * by contrast, leads to refusing everything for one second and nothing for the next.
 *
 * Callers that wait for an answer before they send again never grow the queue, but look like an overload once requests
 * are refused. So everything is served again every `TRIAL_MS`, until the next long turn.
 */
export interface Admission {
  /** Whether a request that is at its turn now is served. */
  admits(nowMs: number): boolean
  /**
   * The turn of the loop is over: all that had arrived was served or refused.
   * @param idleMs how long the loop has rested, ever; asked after a long turn
   */
  endTurn(nowMs: number, idleMs: () => number): void
  readonly isOverloaded: boolean
}

/** How long a turn serves requests in an overload. Those that are served wait for about twice that. */
const TURN_MS = 2
const LONG_TURN_MS = 50
const INTERVAL_MS = 1000
/** The rest between two turns of an overload, at most. */
const MAX_REST_MS = 1
const CALM_MS = 1000
const TRIAL_MS = 30_000
/** Of the requests that arrive at the same time, the others are refused even without an overload. */
const MAX_TURN_REQUESTS = 1000

export function createAdmission(): Admission {
  let turnStartMs: number | null = null
  let admitted = 0
  /** Since when all turns are long; null when the last was not. */
  let longSinceMs: number | null = null
  let trialUntilMs = 0
  let restedMs = 0
  let isOverloaded = false
  let overloadedAtMs = 0
  let refusedAtMs = 0

  const startTurn = (nowMs: number): number => {
    admitted = 0
    if (isOverloaded && nowMs - refusedAtMs > CALM_MS) isOverloaded = false
    if (isOverloaded && nowMs - overloadedAtMs > TRIAL_MS) {
      isOverloaded = false
      trialUntilMs = nowMs + INTERVAL_MS
    }
    return (turnStartMs = nowMs)
  }
  /** Whether the turns show an overload. */
  const shows = (startMs: number, nowMs: number, idleMs: () => number): boolean => {
    if (nowMs - startMs <= LONG_TURN_MS) {
      longSinceMs = null
      return false
    }
    const restedBeforeMs = restedMs
    restedMs = idleMs()
    if (restedMs - restedBeforeMs > MAX_REST_MS) longSinceMs = null
    longSinceMs ??= startMs
    return nowMs - longSinceMs >= INTERVAL_MS || nowMs < trialUntilMs
  }
  return {
    get isOverloaded() {
      return isOverloaded
    },
    admits(nowMs) {
      const elapsedMs = nowMs - (turnStartMs ?? startTurn(nowMs))
      if (isOverloaded ? elapsedMs <= TURN_MS : admitted < MAX_TURN_REQUESTS) {
        admitted++
        return true
      }
      refusedAtMs = nowMs
      return false
    },
    endTurn(nowMs, idleMs) {
      const startMs = turnStartMs ?? nowMs
      turnStartMs = null
      if (isOverloaded || !shows(startMs, nowMs, idleMs)) return
      isOverloaded = true
      longSinceMs = null
      overloadedAtMs = refusedAtMs = nowMs
    },
  }
}
