import { describeDatabaseError, isTableUnusable } from '../../db/errors.js'
import { TrafficTableError } from '../../db/traffic/rollups.js'
import { ServiceError, type FailureCode } from './errors.js'

/** What could not be done with which table. */
export interface TableFailure {
  readonly code: Extract<FailureCode, 'TRAFFIC_TABLE_UNUSABLE' | 'GATEWAY_TABLE_UNUSABLE'>
  /** The beginning of the message: "The table request_logs cannot be exported". */
  readonly problem: string
}

/** An error of a table that does not have the expected form, as the caller sees it; any other error as it is. */
export function explainTableError(error: unknown, failure: TableFailure): unknown {
  if (error instanceof TrafficTableError) {
    return new ServiceError(failure.code, error.message, null, { cause: error })
  }
  return isTableUnusable(error) ? tableUnusable(error, failure) : error
}

/** The failure of a table that cannot be used. */
export function tableUnusable(cause: unknown, { code, problem }: TableFailure): ServiceError {
  const reason = describeDatabaseError(cause).replace(/\.$/, '')
  return new ServiceError(code, `${problem}: ${reason}.`, null, { cause })
}
