import postgres, { type PendingQuery, type Row } from 'postgres'

/** What a statement does, without its values. */
export interface StatementName {
  /** Its verb, as `select`. */
  readonly operation: string
  /** The first table that it names; null where it names none by itself. */
  readonly table: string | null
}

/** Called when a statement is sent. @returns called at its end, with its error */
export type OnStatement = (name: () => StatementName) => ((error?: unknown) => void) | undefined

/** A query of the driver. */
interface Query extends PendingQuery<Row[]> {
  readonly strings: readonly string[]
  readonly args: readonly unknown[]
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
  const end = onStatement(() => statementName(textOf(query)))
  if (end === undefined) return
  // The promise's own `then`: that of the query sends it.
  void Promise.prototype.then.call(
    query,
    () => end(),
    (error: unknown) => end(error ?? 'error'),
  )
}

/** The text of a query with that of its parts and with names, and without values. */
function textOf({ strings, args }: Pick<Query, 'strings' | 'args'>): string {
  const parts = strings.map((text, i) => `${text} ${partOf(args[i])}`)
  return parts.join(' ')
}

function partOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return ''
  if ('strings' in value && 'args' in value) return textOf(value as Query)
  return value.constructor.name === 'Identifier' ? (value as { value: string }).value : ''
}

const EXTRACTED = /\bextract\s*\([^()]*\)/gi
const FIRST_TABLE =
  /\b(?:from|into|update|join|copy|table)\s+(?:only\s+)?"?(?!(?:where|set|lateral|select|on)\b)([a-z_][a-z0-9_]{0,62})\b(?!\s*\()/i
/** A list of columns follows these, and no argument. */
const WITH_COLUMNS = /\b(?:into|copy)\s+(?:only\s+)?"?([a-z_][a-z0-9_]{0,62})/i

/** Of a text without values. */
export function statementName(text: string): StatementName {
  const first = /[a-z]+/i.exec(text)?.[0].toLowerCase() ?? 'statement'
  const changes = first === 'with' ? /\b(?:insert|update|delete)\b/i.exec(text) : null
  const operation = first === 'with' ? (changes?.[0].toLowerCase() ?? 'select') : first
  const hasColumns = operation === 'insert' || operation === 'copy'
  const pattern = hasColumns ? WITH_COLUMNS : FIRST_TABLE
  const [, table = null] = pattern.exec(text.replace(EXTRACTED, '')) ?? []
  return { operation: operation.slice(0, 20), table: table?.toLowerCase() ?? null }
}
