import { Type } from '@sinclair/typebox'
import { LIMIT_FILE } from './examples/limits.js'
import {
  ByMethod,
  choice,
  clientLimits,
  LONG_WINDOW,
  LongWindow,
  Scope,
  SCOPE,
  selection,
  Strategy,
  Tier,
  total,
  unitFields,
} from './limit-choice.js'
import { count, nullable, oneOf, timestamp } from './types.js'

const LIMIT_FILE_FORMATS = [
  ...(['json', 'aegis', 'nginx', 'haproxy', 'envoy', 'envoy-gateway', 'istio', 'kong', 'traefik'] as const),
  ...(['apisix', 'ingress-nginx', 'caddy', 'express', 'aws-waf', 'cloudflare', 'headers'] as const),
]

/** A limit over the whole gateway is of each client too. */
const FileScope = oneOf(['endpoint', 'client', 'gateway-client'], {
  description: `${SCOPE} gateway-client: one limit for each client over all endpoints.`,
})

export const LimitFileQuery = Type.Object({
  format: Type.Optional(
    oneOf([...LIMIT_FILE_FORMATS], {
      description:
        'The gateway that reads the file, headers for RateLimit-Policy fields, or json. Default: json.',
    }),
  ),
  tier: choice.tier,
  strategy: choice.strategy,
  scope: Type.Optional(Scope(`${SCOPE} Default: client.`)),
  by_method: Type.Optional(ByMethod),
  cost: choice.cost,
  ...selection,
})

export const LimitFiles = Type.Object(
  {
    generated_at: timestamp('When the limits were computed.'),
    tier: Tier('Tier of the callers.'),
    strategy: Strategy('How strict the limits are.'),
    limits: Type.Array(
      Type.Object({
        endpoint: Type.String({ description: 'The endpoint.' }),
        method: nullable(Type.String(), { description: 'The HTTP method. Null for all methods together.' }),
        path: Type.String({ description: 'The path template.' }),
        scope: FileScope,
        requests_per_minute: Type.Optional(
          count('Requests allowed per minute. Absent with the unit latency_ms.'),
        ),
        cost_per_minute: Type.Optional(
          count('Milliseconds of backend time allowed per minute. Only with the unit latency_ms.'),
        ),
        burst: count('Requests (or the unit) allowed at once.'),
        ...unitFields,
        long_window: nullable(LongWindow, { description: LONG_WINDOW }),
        ...clientLimits,
        policy: Type.String({
          description: 'Value of the RateLimit-Policy field. Empty with the unit latency_ms.',
        }),
      }),
      {
        description:
          'One limit per named endpoint; the limit over the whole gateway comes first. Endpoints without a name have only that one.',
      },
    ),
    total,
  },
  { description: 'The recommended limits.', examples: [LIMIT_FILE] },
)

export const ProfilesQuery = Type.Object({
  format: Type.Optional(oneOf(['json', 'csv'], { description: 'Format of the profiles. Default: json.' })),
  by_method: Type.Optional(ByMethod),
  ...selection,
})
