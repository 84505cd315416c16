import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { move, transferableSymbol, valueSymbol, workerData } from 'piscina'
import type { Caller } from './plugins/access/caller.js'
import { decorateRequests } from './plugins/access/request.js'
import type { BatchSettings, BatchTask, WorkerAnswer } from './plugins/batch-workers/task.js'
import { createDetection } from './plugins/detection.js'
import envelope from './plugins/http/envelope.js'
import errors from './plugins/http/errors.js'
import largeBodies from './plugins/http/large-bodies.js'
import requestCounts from './plugins/http/request-counts.js'
import { requestId } from './plugins/http/request-id.js'
import validation from './plugins/http/validation.js'
import { KINDS, type ActiveDetector } from './plugins/model-registry/kinds.js'
import detectRoutes from './routes/detect.js'
import { sharedSchemas } from './routes/schemas/index.js'

/**
 * A worker thread that answers large requests of POST /detect/batch (plugins/batch-workers.ts). It has the HTTP
 * interface of detection and nothing else, so that the same code answers a large batch and a small one.
 */
let active: ActiveDetector | null = null
/** Of the request at hand: a thread has one at a time. */
let caller: Caller
const starting = buildApp(workerData as BatchSettings)

export default async function answer({ request, detector, engine }: BatchTask): Promise<object> {
  const app = await starting
  await use(detector, engine)
  caller = request.caller
  const { url, headers, body } = request
  const payload = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const response = await app.inject({ method: 'POST', url, headers, payload })
  const bytes = Uint8Array.from(response.rawPayload) // the payload may lie in a pool that others use
  const value: WorkerAnswer = {
    statusCode: response.statusCode,
    contentType: String(response.headers['content-type']),
    body: bytes,
  }
  return move({ [transferableSymbol]: [bytes.buffer], [valueSymbol]: value })
}

async function use(detector: BatchTask['detector'], engine: BatchTask['engine']): Promise<void> {
  if (active?.version === detector?.version) return
  if (active) KINDS.anomaly.release(active)
  active = detector && (await KINDS.anomaly.prepare(detector, engine))
}

async function buildApp({ logLevel, effects, calendar }: BatchSettings): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: pino({ level: logLevel }) as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }), // the service logs the request
    genReqId: requestId,
  })
  await app.register(requestCounts)
  await app.register(validation)
  await app.register(errors)
  await app.register(envelope)
  await app.register(largeBodies)
  decorateRequests(app)
  app.addHook('onRequest', async (request) => {
    request.caller = caller
  })
  for (const schema of sharedSchemas) app.addSchema(schema)
  await app.register(detectRoutes)
  const models = {
    get active() {
      return { anomaly: active }
    },
  }
  app.decorate('detection', createDetection({ models, effects, calendar, now: Date.now }))
  await app.ready()
  return app
}
