import { splitEndpoint } from '../../traffic/endpoint-name.js'
import { Wildcards } from '../../traffic/wildcards.js'

/** Patterns of the whole gateway. */
const WHOLE = new Set(['/**', '/*', '*', '**'])
const WITH_METHOD = 2
const EXACT = 1_000

/** The pattern of a rule of the gateway: a path template, alone or after a method, with `*` at any place. */
export interface LimitPattern {
  readonly isWholeGateway: boolean
  /**
   * How closely the pattern describes an endpoint: 0 where it does not; an exact path more than a wildcard, a longer one more
   * than a shorter one, one with the method more than one without. A pattern of the whole gateway describes no single endpoint.
   */
  closeness(endpoint: string): number
}

/**
 * Reads the pattern of a rule. Placeholders of any style stand for one part of a path: `{id}`, `:id`, `<id>`. `*` at the end
 * stands for the rest of the path.
 *
 * @example limitPattern('/users/:id').closeness('GET /users/{id}') // above 0
 */
export function limitPattern(pattern: string): LimitPattern {
  const { method, path } = splitEndpoint(pattern.trim())
  if (method === '' && WHOLE.has(path)) return { isWholeGateway: true, closeness: () => 0 }
  const general = path
    .split('/')
    .map((part) => (/^(?::.+|\{.*\}|<.*>)$/.test(part) ? '*' : part))
    .join('/')
  const wildcards = new Wildcards(general.replace(/\/\*$/, path.endsWith('*') ? '/**' : '/*'))
  return {
    isWholeGateway: false,
    closeness(endpoint) {
      const asked = splitEndpoint(endpoint)
      if (method !== '' && method !== asked.method) return 0
      const ofMethod = method === '' ? 0 : WITH_METHOD
      if (path === asked.path) return 2 * EXACT + ofMethod
      return wildcards.matches(asked.path) ? 1 + Math.min(EXACT, 4 * general.length) + ofMethod : 0
    },
  }
}
