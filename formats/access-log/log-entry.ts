/** A request as a line of an access log has it; null where the line does not say. */
export interface LogEntry {
  /** Milliseconds since 1970, UTC. */
  timeMs: number
  method: string | null
  /** The request target without scheme and host, query string included. */
  path: string | null
  status: number | null
  /** Whole. */
  latencyMs: number | null
  /** The address of the client as the line has it, or its host name. */
  client: string | null
  user: string | null
  agent: string | null
  /** Size of the answer in bytes, whole. */
  bytes: number | null
  /** The line ends within quotes. */
  isCut: boolean
}

/**
 * Reads a line into an entry that the caller keeps, so that nothing is made anew for each of millions of lines.
 *
 * @param line without its end, one character (U+0000…U+00FF) for each byte
 * @returns why it cannot be read; undefined when the entry holds it
 */
export type LineParser = (line: string, entry: LogEntry) => string | undefined

export function emptyEntry(): LogEntry {
  return {
    timeMs: 0,
    method: null,
    path: null,
    status: null,
    latencyMs: null,
    client: null,
    user: null,
    agent: null,
    bytes: null,
    isCut: false,
  }
}
