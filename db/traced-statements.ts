import postgres, { type PendingQuery, type Row } from 'postgres'

/** What a statement does, without its values. */
export interface StatementName {
  /** Its verb, as `select`. */
  readonly operation: string
  /** The first table that it names; null where it names none by itself. */
  readonly table: string | null
}

/** Called when a statement is sent. @returns called at its end, with its error */
export type OnStatement = (name: StatementName) => ((error?: unknown) => void) | undefined

/** A query of the driver. */
interface Query extends PendingQuery<Row[]> {
  readonly strings: readonly string[]
  readonly executed: boolean
  handle(): Promise<void>
}

let listener: OnStatement | undefined
let isWatching = false

/** From now on, tells of each statement of each pool of this thread. Undefined ends that. */
export function watchStatements(onStatement: OnStatement | undefined): void {
  listener = onStatement
  if (onStatement === undefined || isWatching) return
  isWatching = true
  // The driver (postgres.js 3.4.9) tells of the start of a statement, and of no end. A query that is never awaited is never sent.
  const prototype = Object.getPrototypeOf(postgres()`select`) as Query
  const { handle } = prototype
  prototype.handle = function (this: Query) {
    if (!this.executed && listener !== undefined) tell(this, listener)
    return handle.call(this)
  }
}

function tell(query: Query, onStatement: OnStatement): void {
  const end = onStatement(statementName(query.strings.join(' ')))
  if (end === undefined) return
  // The promise's own `then`: that of the query sends it.
  void Promise.prototype.then.call(
    query,
    () => end(),
    (error: unknown) => end(error ?? 'error'),
  )
}

/** Of the text between the values. */
export function statementName(text: string): StatementName {
  const first = /[a-z]+/i.exec(text)?.[0].toLowerCase() ?? 'statement'
  const changes = first === 'with' ? /\b(?:insert|update|delete)\b/i.exec(text) : null
  const operation = first === 'with' ? (changes?.[0].toLowerCase() ?? 'select') : first
  const [, table = null] =
    /\b(?:from|into|update|join|copy|table)\s+(?:only\s+)?"?([a-z_][a-z0-9_]{0,62})\b/i.exec(text) ?? []
  return { operation: operation.slice(0, 20), table: table?.toLowerCase() ?? null }
}
