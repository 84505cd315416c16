export { createClient } from './client.js'
export type {
  Backtest,
  BacktestJob,
  CallOptions,
  Client,
  ClientOptions,
  Incident,
  IncidentEvent,
  Scan,
  ScanJob,
  TrainingJob,
  TrainResult,
} from './client.js'
export type { components, operations, paths } from './generated/contract.js'
export { getMLClient, initializeMLClient, MLServiceClient } from './ml-service-client.js'
export type { Metrics, MLServiceConfig, Verdict } from './ml-service-client.js'
export { MLServiceError } from './ml-service-error.js'
export type { ClientFailureCode } from './ml-service-error.js'
export type { Data, Input, OperationName } from './operations.js'
export type { RetryOptions } from './retry.js'
export { createMLMiddleware } from './middleware/express.js'
export type { MLMiddleware, Next } from './middleware/express.js'
export { mlFastify } from './middleware/fastify.js'
export type { FastifyLike } from './middleware/fastify.js'
export type {
  GatewayRequest,
  MLMiddlewareOptions,
  RecordOptions,
  ResolvedAlarm,
} from './middleware/options.js'
export type { RecordedRequest } from './middleware/recorded-request.js'
export type { Judged } from './middleware/reporter.js'
export { createMLRouter } from './middleware/router.js'
export type { MLRouter, MLRouterOptions } from './middleware/router.js'
export type { MLMiddlewareStatus } from './middleware/watch.js'
