import type { PendingQuery, Row } from 'postgres'

/** The answer of a query, which the server gives up at the signal. Fails with the reason of the signal then. */
export async function orCancelled<T>(query: PendingQuery<T & Row[]>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const cancel = () => void Promise.resolve(query.cancel()).catch(() => undefined)
  signal.addEventListener('abort', cancel, { once: true })
  try {
    return await query
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}
