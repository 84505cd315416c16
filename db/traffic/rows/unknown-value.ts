import { randomUUID } from 'node:crypto'
import type { TableColumn } from '../../table-columns.js'
import { UNKNOWN_ADDRESS } from '../table.js'

/**
 * By column, what stands for an unknown value where the table takes no null. Everything that reads requests takes
 * these for unknown as well: a negative duration is no latency, status 0 is no status.
 */
const VALUES: Readonly<Record<string, string>> = {
  status_code: '0',
  response_time_ms: '-1',
  duration_ms: '-1',
  ip_address: UNKNOWN_ADDRESS,
}

const NULL = '\\N'

/** The cell of COPY's text format for a value that a request does not have. */
export function unknownCell({ name, isRequired }: TableColumn): () => string {
  if (!isRequired) return () => NULL
  if (name === 'request_id') return randomUUID
  const value = VALUES[name] ?? ''
  return () => value
}
