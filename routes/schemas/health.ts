import { Type } from '@sinclair/typebox'
import { nullable, oneOf, Timestamp } from './types.js'

const ModelState = Type.Object({
  loaded: Type.Boolean(),
  trained: Type.Boolean(),
  version: nullable(Type.String()),
})

export const Health = Type.Object(
  {
    status: oneOf(['healthy', 'degraded', 'unhealthy'], {
      description: 'degraded: the database is away or a model file is damaged; detection goes on.',
    }),
    service: Type.Literal('aegis-ml'),
    version: Type.String(),
    timestamp: Timestamp,
    uptime_seconds: Type.Number({ minimum: 0 }),
    models: Type.Object({ anomaly_detector: ModelState, rate_optimizer: ModelState }),
    database: Type.String({ description: '"connected", or "error: …".', examples: ['connected'] }),
    database_mode: oneOf(['embedded', 'server']),
    problems: Type.Array(Type.String(), {
      description: 'What keeps the service from being healthy, in sentences.',
    }),
  },
  { $id: 'Health' },
)

export const Alive = Type.Object({ status: Type.Literal('alive') }, { $id: 'Alive' })

export const Ready = Type.Object({ status: Type.Literal('ready') }, { $id: 'Ready' })
