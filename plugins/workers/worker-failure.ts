import { TrafficTableError } from '../../db/traffic/rollups.js'
import type { TrafficTable } from '../../db/traffic/table.js'

/** An error crosses threads as the fields that identify it. */
export interface WorkerFailure {
  readonly failed: {
    readonly message: string
    readonly code: string | undefined
    readonly tableProblem: string | null
  }
}

export function toFailure(error: unknown): WorkerFailure {
  const { message, code } = error as Error & { code?: string }
  return {
    failed: { message, code, tableProblem: error instanceof TrafficTableError ? error.problem : null },
  }
}

/** The error of the worker, on the other side. */
export function fromFailure({ failed }: WorkerFailure, table: TrafficTable): Error {
  const { message, code, tableProblem } = failed
  if (tableProblem !== null) return new TrafficTableError(table, tableProblem)
  return Object.assign(new Error(message), code !== undefined && { code })
}
