import { ConfigError } from '../../plugins/config.js'
import { describeDatabaseError, isDatabaseAway } from '../../db/errors.js'
import postgres from 'postgres'
import { DumpFileError } from '../dump/dump-file.js'

/** The arguments are invalid or cannot be fulfilled: exit code 2. */
export class UsageError extends Error {}

/** There is no data: exit code 1. */
export class NoDataError extends Error {}

/** More requests would be rejected than allowed: exit code 1. */
export class TooManyRejectedError extends Error {}

/** A test did not arrive everywhere, or nobody is told: exit code 1. */
export class NotToldError extends Error {}

/** The database cannot be reached or cannot be used: exit code 3. */
export class DatabaseError extends Error {}

/** The service cannot be reached or cannot answer now: exit code 3. */
export class ServiceAwayError extends Error {}

/** Why a command was stopped from outside, and the exit code that shells use for it. */
export class Stopped extends Error {
  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message)
  }
}

/** EX_DATAERR and EX_SOFTWARE of sysexits.h. */
const BAD_FILE = 65
export const UNEXPECTED = 70

const FAILED = [NoDataError, TooManyRejectedError, NotToldError]

/** The exit code of a failure, and one line for the user (empty: print nothing). */
export function failureOf(error: unknown): { code: number; message: string } {
  if (error instanceof Stopped) return { code: error.exitCode, message: error.message }
  const message = describeDatabaseError(error)
  if (FAILED.some((kind) => error instanceof kind)) return { code: 1, message }
  if (error instanceof DumpFileError) return { code: BAD_FILE, message }
  if (error instanceof UsageError || error instanceof ConfigError) {
    return { code: 2, message: `${message} See --help.` }
  }
  if (error instanceof ServiceAwayError) return { code: 3, message }
  const ofDatabase = error instanceof DatabaseError || error instanceof postgres.PostgresError
  if (ofDatabase || isDatabaseAway(error)) return { code: 3, message: `the database: ${inWords(message)}` }
  return { code: UNEXPECTED, message }
}

/** Translates the error codes that the PostgreSQL client has for a connection. */
function inWords(message: string): string {
  const [, code, where] = /^write (\w+) (\S+)$/.exec(message) ?? []
  if (code === 'CONNECT_TIMEOUT') return `${where} does not answer.`
  return code === undefined ? message : `the connection to ${where} was lost.`
}
