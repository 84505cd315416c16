import postgres, { type Sql } from 'postgres'

/** Throws when the work has to end: it was stopped, or its connection was lost. */
export type GoOn = () => void

/**
 * A transaction on a connection of its own, which ends with it; what has not been committed is then undone. When a
 * connection breaks, `sql.begin` asks for a rollback on what is no longer there, and that ends the process.
 *
 * @param work calls `goOn` after each statement: a new connection would take the place of a lost one, and go on
 *   outside of the transaction
 * @throws what the work throws; the reason of the signal
 */
export async function ownTransaction<T>(
  sql: Sql,
  signal: AbortSignal,
  work: (connection: Sql, goOn: GoOn) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted()
  let lost = false
  const onclose = () => {
    lost = true
  }
  const connection = postgres({ ...(sql.options as object), max: 1, max_lifetime: null, onclose })
  const goOn = () => {
    signal.throwIfAborted()
    if (lost) throw new ConnectionLostError('The connection was lost.')
  }
  try {
    await connection`begin`
    goOn()
    const result = await work(connection, goOn)
    goOn()
    await connection`commit`
    return result
  } finally {
    await connection.end({ timeout: 0 })
  }
}

class ConnectionLostError extends Error {
  readonly code = 'CONNECTION_CLOSED'
}
