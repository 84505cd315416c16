import { ServiceError } from '../http/errors.js'
import type { Caller } from './caller.js'

/** Sources that a message lists. */
const MAX_SHOWN = 20

/**
 * The source of a report: the one that it names, or the only one of its caller.
 * @param usual what a report means that names none
 * @throws ServiceError FORBIDDEN for a source that the caller may not report
 */
export function sourceFor(
  { name, sources }: Caller,
  named: string | undefined,
  usual: string,
): string | undefined {
  if (sources === null) return named
  const source = named ?? (sources.length === 1 ? sources[0]! : usual)
  if (sources.includes(source)) return source
  const shown = sources.slice(0, MAX_SHOWN).map(quoted).join(', ') || 'none'
  const more = sources.length > MAX_SHOWN ? ` and ${sources.length - MAX_SHOWN} more` : ''
  const given = named === undefined ? 'this report names none' : `not ${quoted(named)}`
  const message = `The key ${name} may report the sources ${shown}${more}; ${given}. Send one of them as source, or use another key.`
  throw new ServiceError('FORBIDDEN', message)
}

const quoted = (text: string) => JSON.stringify(text.slice(0, 128))
