const FAILURES: ReadonlySet<number> = new Set([401, 403, 404])

/** Whether a response says that the client guessed wrong: not known, not allowed, or not there. */
export function isFailure(status: number): boolean {
  return FAILURES.has(status)
}

/** Whether a response is an error that the client is not told to wait for; 0, an unknown status, is none. */
export function isError(status: number): boolean {
  return status >= 400 && status !== 429
}
