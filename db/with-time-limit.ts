/**
 * Does work that ends at a signal, and after a time: with a TimeoutError then.
 *
 * A timer of its own, not AbortSignal.timeout: Node 20 collects that one while only AbortSignal.any holds it, and it never
 * fires.
 */
export async function withTimeLimit<T>(
  ms: number,
  signal: AbortSignal,
  work: (limited: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted()
  const limit = new AbortController()
  const onTime = () => limit.abort(new DOMException('It took too long.', 'TimeoutError'))
  const onAbort = () => limit.abort(signal.reason)
  const timer = setTimeout(onTime, ms)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await work(limit.signal)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}
