import { show } from '../http/validation.js'
import { invalid } from './receive.js'

/** Printable: no control, format or unassigned characters. */
const NAME = /^\P{C}{1,128}$/u

const DEFAULT_SOURCE = 'default'

/** The names that a batch was given. */
interface GivenNames {
  /** Of the body and of the query; the first that is there counts. */
  readonly batchIds: readonly unknown[]
  readonly sources: readonly unknown[]
  /** The source of a batch that names this one, or none. @throws ServiceError */
  readonly sourceFor: (named: string | undefined) => string | undefined
  /** The header, which counts when there is no batch_id. */
  readonly idempotencyKey: string | undefined
  readonly hash: Uint8Array
}

/** @throws ServiceError INVALID_REQUEST for a name that is not allowed, and what sourceFor throws */
export function batchIdentity({ batchIds, sources, sourceFor, idempotencyKey, hash }: GivenNames) {
  const id = nameOf('batch_id', batchIds) ?? nameOf('Idempotency-Key', [unquoted(idempotencyKey)])
  return {
    source: sourceFor(nameOf('source', sources)) ?? DEFAULT_SOURCE,
    id: id ?? Buffer.from(hash).toString('hex'),
    hash,
  }
}

function nameOf(field: string, values: readonly unknown[]): string | undefined {
  const value = values.find((each) => each !== undefined && each !== null)
  if (value === undefined || (typeof value === 'string' && NAME.test(value)))
    return value as string | undefined
  const problem = `is ${show(value)}; allowed is a text of 1 to 128 characters that matches ^\\P{C}+$`
  throw invalid(field, problem)
}

/** The header is a quoted string by its draft standard, and a bare one in many clients. */
function unquoted(key: string | undefined): string | undefined {
  return key === undefined ? undefined : (/^"(.*)"$/.exec(key.trim())?.[1] ?? key.trim())
}
