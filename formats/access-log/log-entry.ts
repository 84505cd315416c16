import { AUTO, type ClientRule } from './client-rule.js'

/** A request as a line of an access log has it; null where the line does not say. */
export interface LogEntry {
  /** Milliseconds since 1970, UTC. */
  timeMs: number
  method: string | null
  /** The request target without scheme, host and query string. */
  path: string | null
  /** The host that was asked for, perhaps with a port. */
  host: string | null
  status: number | null
  /** Whole. */
  latencyMs: number | null
  /** The address of the client, or its host name. */
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
 * @param outerMs the time of a wrapper around the line, for a line that has none of its own; NaN for none
 * @returns why it cannot be read; undefined when the entry holds it; {@link NO_REQUEST}
 */
export type LineParser = (line: string, entry: LogEntry, outerMs?: number) => string | undefined

/** What a parser returns for a line that belongs to the format and is no request, such as a header. */
export const NO_REQUEST = ''

/** How lines are read, whatever their format. */
export interface Reading {
  readonly client: ClientRule
  /** The zone of times that have none (IANA name); UTC by default. */
  readonly timeZone?: string | undefined
  /** Times without a zone are UTC, whatever the zone of the server: its documentation says so. */
  readonly isUtc?: boolean
  /** Called for what may have been read wrongly. @param doubt what it is, and what to do about it */
  doubt(doubt: string, line: string): void
}

/** The client is found by itself, and nothing is done about doubts. */
export const PLAIN_READING: Reading = { client: AUTO, doubt: () => undefined }

export function emptyEntry(): LogEntry {
  return {
    timeMs: 0,
    method: null,
    path: null,
    host: null,
    status: null,
    latencyMs: null,
    client: null,
    user: null,
    agent: null,
    bytes: null,
    isCut: false,
  }
}

/** Why a line of a format that has no time cannot be read, unless something around it has one. */
export const NO_TIME = 'no time: the lines have none, nor has anything around them'

/** Remembers the last result: most lines are of the same second as the one before. */
export function rememberLast<T>(parse: (text: string) => T): (text: string) => T {
  let lastText: string | undefined
  let last: T
  return (text) => {
    if (text === lastText) return last
    last = parse(text)
    lastText = text
    return last
  }
}
