import { Type } from '@sinclair/typebox'
import { count, oneOf } from './types.js'

const MAX_LIMIT = 1_000_000

export const Tier = (description: string) =>
  Type.String({ maxLength: 255, pattern: '^[^\\u0000]*$', description, examples: ['default'] })
export const Strategy = (description: string, options: object = {}) =>
  oneOf(['conservative', 'balanced', 'permissive', 'adaptive'], { description, ...options })
export const Scope = (description: string) => oneOf(['endpoint', 'client'], { description })

export const SCOPE = 'endpoint: one limit for all callers together. client: one limit for each client.'

/** Which limit is asked for. */
export const choice = {
  tier: Type.Optional(
    Tier(
      'Tier of the callers, in any case: default, free, basic, standard, premium, enterprise or one of TIERS. Any other counts as default, with a warning. Default: default.',
    ),
  ),
  strategy: Type.Optional(Strategy('How strict the limit is. Default: balanced.')),
  scope: Type.Optional(Scope(`${SCOPE} Default: endpoint.`)),
}

export const ByMethod = Type.Boolean({
  description: 'If true, each method of a path is an endpoint of its own. Default: false.',
})

export const Endpoint = (description: string) =>
  Type.String({
    minLength: 1,
    maxLength: 2048,
    pattern: '^[^\\u0000]*$',
    description,
    examples: ['/api/users/{id}'],
  })

export const ENDPOINT =
  'A path template with all its methods, one method of it such as `POST /api/users`, or a raw path.'

export const limit = (description: string) => Type.Integer({ minimum: 1, maximum: MAX_LIMIT, description })

export const LongWindow = Type.Object({
  seconds: count('Length of the window in seconds.'),
  limit: count('Requests allowed in the window.'),
})

export const LONG_WINDOW = 'A second limit over a longer window. Null when there is none.'
