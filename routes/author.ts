import type { FastifyRequest } from 'fastify'

/**
 * Who does something, as it is stored: the name of the key. What the request says about it counts for a caller without
 * a key; otherwise a warning says that it does not.
 *
 * @param field where the request says it
 */
export function authorOf(
  { caller, warnings }: Pick<FastifyRequest, 'caller' | 'warnings'>,
  field: string,
  given: string | null | undefined,
): string | null {
  if (caller.name === null) return given ?? null
  if (given != null && given !== caller.name) {
    warnings.push(`Field ${field} was ignored: the name of the key stands for it.`)
  }
  return caller.name
}
