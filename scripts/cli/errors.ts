import { ConfigError } from '../../plugins/config.js'
import { describeDatabaseError, isDatabaseAway } from '../../db/errors.js'
import postgres from 'postgres'

/** What the caller asked for makes no sense or cannot be done: exit code 2. */
export class UsageError extends Error {}

/** There is nothing to work on: exit code 1. */
export class NoDataError extends Error {}

/** The database is away or is not as it has to be: exit code 3. */
export class DatabaseError extends Error {}

/** Why a command was stopped from outside, and the exit code by which a shell knows it. */
export class Stopped extends Error {
  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message)
  }
}

/** EX_SOFTWARE of sysexits.h. */
export const UNEXPECTED = 70

/** How a failed command ends: its exit code, and one line for people (empty: nothing to say). */
export function failureOf(error: unknown): { code: number; message: string } {
  if (error instanceof Stopped) return { code: error.exitCode, message: error.message }
  const message = describeDatabaseError(error)
  if (error instanceof NoDataError) return { code: 1, message }
  if (error instanceof UsageError || error instanceof ConfigError) {
    return { code: 2, message: `${message} See --help.` }
  }
  const ofDatabase = error instanceof DatabaseError || error instanceof postgres.PostgresError
  if (ofDatabase || isDatabaseAway(error)) return { code: 3, message: `the database: ${inWords(message)}` }
  return { code: UNEXPECTED, message }
}

/** The client has codes of its own for what happens to a connection. */
function inWords(message: string): string {
  const [, code, where] = /^write (\w+) (\S+)$/.exec(message) ?? []
  if (code === 'CONNECT_TIMEOUT') return `${where} does not answer.`
  return code === undefined ? message : `the connection to ${where} was lost.`
}
