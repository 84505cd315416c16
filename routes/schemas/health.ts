import { Type } from '@sinclair/typebox'
import { HEALTH } from './examples/health.js'
import { amount, nullable, oneOf, timestamp } from './types.js'

const modelState = (description: string) =>
  Type.Object(
    {
      loaded: Type.Boolean({ description: 'True if a version is active.' }),
      trained: Type.Boolean({ description: 'True if the active version is trained. Equal to loaded.' }),
      version: nullable(Type.String(), { description: 'The active version. Null when none is active.' }),
    },
    { description },
  )

export const Health = Type.Object(
  {
    status: oneOf(['healthy', 'degraded', 'unhealthy'], {
      description:
        'degraded: the database or Prometheus cannot be reached, reading, writing or listening does not work in the database, or a model file is damaged. Detection continues with the active model.',
    }),
    service: Type.Literal('aegis-ml', { description: 'Name of the service.' }),
    version: Type.String({ description: 'Version of the service.' }),
    timestamp: timestamp('When the service answered.'),
    uptime_seconds: amount('Seconds since the process started.'),
    models: Type.Object(
      {
        anomaly_detector: modelState('The model that judges traffic.'),
        rate_optimizer: modelState('The model that recommends rate limits.'),
      },
      { description: 'The state of both models.' },
    ),
    database: Type.String({
      description: '"connected", or "error: " and the reason.',
      examples: ['connected'],
    }),
    database_mode: oneOf(['embedded', 'server'], {
      description: 'embedded: the PostgreSQL that the service runs itself. server: the configured server.',
    }),
    traffic_database: nullable(Type.String(), {
      description:
        'The database that has the request log, when TRAFFIC_POSTGRES_… names one: "connected", or "error: " and the reason. Null when it is the database above.',
    }),
    problems: Type.Array(Type.String(), {
      description: 'One sentence for each problem. Empty when the service is healthy.',
    }),
  },
  { $id: 'Health', description: 'The state of the service and of its parts.', examples: [HEALTH] },
)

export const Alive = Type.Object(
  { status: Type.Literal('alive', { description: 'Always alive.' }) },
  { $id: 'Alive', description: 'The process answers requests.' },
)

export const Ready = Type.Object(
  { status: Type.Literal('ready', { description: 'Always ready.' }) },
  { $id: 'Ready', description: 'The service accepts work.' },
)
