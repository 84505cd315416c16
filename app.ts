import { readFileSync } from 'node:fs'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { pino } from 'pino'
import access from './plugins/access.js'
import audit from './plugins/audit.js'
import automaticTraining from './plugins/automatic-training.js'
import batchWorkers from './plugins/batch-workers.js'
import config, { type Config } from './plugins/config.js'
import { readTls } from './plugins/config/tls.js'
import { callersConfig } from './plugins/config/callers.js'
import database from './plugins/database.js'
import deployments from './plugins/deployments.js'
import detection from './plugins/detection.js'
import audited from './plugins/http/audited.js'
import browser from './plugins/http/browser.js'
import closedCallers from './plugins/http/closed-callers.js'
import cors from './plugins/http/cors.js'
import envelope from './plugins/http/envelope.js'
import errors, { answerMalformed, sendFailure, toServiceError } from './plugins/http/errors.js'
import endpoints from './plugins/endpoints.js'
import exports from './plugins/export.js'
import feedback from './plugins/feedback.js'
import incidentLimits from './plugins/incident-limits.js'
import incidents from './plugins/incidents.js'
import ingest from './plugins/ingest.js'
import load from './plugins/http/load.js'
import { serverLimits } from './plugins/http/load/limits.js'
import { createBoundedServer } from './plugins/http/load/server.js'
import modelManagement from './plugins/model-management.js'
import metrics from './plugins/metrics.js'
import { LogCounts } from './plugins/metrics/log-counts.js'
import modelRegistry from './plugins/model-registry.js'
import largeBodies from './plugins/http/large-bodies.js'
import openapi from './plugins/http/openapi.js'
import notifications from './plugins/notifications.js'
import optimization from './plugins/optimization.js'
import otlp from './plugins/otlp.js'
import otlpHttp from './plugins/http/otlp.js'
import prometheus from './plugins/prometheus.js'
import rateLimit from './plugins/http/rate-limit.js'
import requestCounts from './plugins/http/request-counts.js'
import requestIds, { requestId } from './plugins/http/request-id.js'
import silences from './plugins/silences.js'
import streamedBodies from './plugins/http/streamed-bodies.js'
import syntheticData from './plugins/synthetic-data.js'
import tracing from './plugins/tracing.js'
import tls from './plugins/http/tls.js'
import trafficTable from './plugins/traffic-table.js'
import training from './plugins/training.js'
import validation from './plugins/http/validation.js'
import watcher from './plugins/watcher.js'
import watchModels from './plugins/watch-models.js'
import aboutRoutes from './routes/about.js'
import auditRoutes from './routes/audit.js'
import backtestJobRoutes from './routes/backtest-jobs.js'
import deploymentRoutes from './routes/deployments.js'
import detectRoutes from './routes/detect.js'
import endpointRoutes from './routes/endpoints.js'
import exportRoutes from './routes/export.js'
import exportRateLimitRoutes from './routes/export-rate-limits.js'
import feedbackRoutes from './routes/feedback.js'
import healthRoutes from './routes/health.js'
import incidentLimitRoutes from './routes/incident-limits.js'
import incidentRoutes from './routes/incidents.js'
import incidentScanRoutes from './routes/incident-scan.js'
import incidentStreamRoutes from './routes/incident-stream.js'
import ingestRoutes from './routes/ingest.js'
import jobRoutes from './routes/jobs.js'
import metricsRoutes from './routes/metrics.js'
import modelRoutes from './routes/models.js'
import notificationRoutes from './routes/notifications.js'
import optimizeRoutes from './routes/optimize.js'
import otlpRoutes from './routes/otlp.js'
import recommendationRoutes from './routes/recommendations.js'
import { sharedSchemas } from './routes/schemas/index.js'
import silenceRoutes from './routes/silences.js'
import syntheticRoutes from './routes/synthetic.js'
import trainRoutes from './routes/train.js'
import watchingRoutes from './routes/watching.js'

/** The build copies package.json beside this file. */
const { version } = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8')) as {
  version: string
}

/** What a body may have where its route states no other `bodyLimit`. */
const BODY_LIMIT = 64 * 1024

/** Node.js takes no more bytes of headers. */
const MAX_PATH = 16 * 1024

/** How long a plugin may take to start: PostgreSQL may have to recover from a crash. */
const START_LIMIT_MS = 120_000

/** The service, ready to listen: every registration, in order. */
export async function buildApp(settings: Config): Promise<FastifyInstance> {
  const logCounts = new LogCounts()
  const app = createServer(createLogger(settings, logCounts), settings)
  try {
    await app.register(config, { config: settings })
    await app.register(tls)
    await app.register(requestCounts)
    await app.register(requestIds)
    await app.register(errors) // before the routes of plugins
    await app.register(closedCallers)
    await app.register(tracing, { version })
    await app.register(browser)
    await app.register(cors)
    await app.register(rateLimit)
    await app.register(access)
    await app.register(audited)
    await registerInterface(app)
    await app.register(database)
    await app.register(audit)
    await app.register(trafficTable)
    await app.register(modelRegistry)
    await app.register(detection)
    await app.register(batchWorkers)
    await app.register(syntheticData)
    await app.register(prometheus)
    await app.register(training)
    await app.register(automaticTraining)
    await app.register(modelManagement)
    await app.register(endpoints)
    await app.register(watchModels)
    await app.register(silences)
    await app.register(deployments)
    await app.register(notifications)
    await app.register(incidents)
    await app.register(feedback)
    await app.register(incidentLimits)
    await app.register(watcher)
    await app.register(optimization)
    await app.register(exports)
    await app.register(ingest)
    await app.register(otlp)
    await app.register(metrics, { version, logCounts })
    await app.ready()
    return app
  } catch (error) {
    await app.close() // stops what has started, PostgreSQL above all
    throw error
  }
}

/** The HTTP interface alone, without capabilities: enough for its OpenAPI document. */
export async function describeApp(): Promise<FastifyInstance> {
  const app = createServer(pino({ level: 'silent' }), {
    tls: null,
    callers: callersConfig({ rateLimit: '', trustProxy: '' }),
  })
  await app.register(requestCounts)
  await app.register(errors)
  await registerInterface(app)
  await app.ready()
  return app
}

function createServer(
  loggerInstance: FastifyBaseLogger,
  { tls, callers: { trustedProxies } }: Pick<Config, 'tls' | 'callers'>,
) {
  const limits = serverLimits(trustedProxies)
  return Fastify({
    loggerInstance,
    bodyLimit: BODY_LIMIT,
    genReqId: requestId,
    routerOptions: { maxParamLength: MAX_PATH }, // the schema of the route refuses it, and names it
    pluginTimeout: START_LIMIT_MS,
    rewriteUrl: ({ url = '/' }) => singleSlashes(url),
    return503OnClosing: false, // plugins/http/errors.ts answers instead, in the envelope
    frameworkErrors: (error, _request, reply) => void sendFailure(reply, toServiceError(error)),
    clientErrorHandler: answerMalformed,
    serverFactory: (handler) => createBoundedServer(handler, limits, tls && readTls(tls)),
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
  }).withTypeProvider<TypeBoxTypeProvider>()
}

/** A base URL with a slash at its end makes `//detect` of `/detect`. The query stays as it is. */
function singleSlashes(url: string): string {
  if (!url.startsWith('/')) return url // a proxy may send http://host/path
  const [path = '', ...query] = url.split('?')
  return [path.replace(/\/{2,}/g, '/'), ...query].join('?')
}

async function registerInterface(app: FastifyInstance): Promise<void> {
  await app.register(validation)
  await app.register(load)
  await app.register(envelope)
  await app.register(streamedBodies)
  await app.register(largeBodies)
  await app.register(openapi, { version })
  for (const schema of sharedSchemas) app.addSchema(schema)
  await app.register(aboutRoutes, { version })
  await app.register(healthRoutes, { version })
  await app.register(metricsRoutes)
  await app.register(auditRoutes)
  await app.register(detectRoutes)
  await app.register(incidentRoutes)
  await app.register(incidentLimitRoutes)
  await app.register(incidentScanRoutes)
  await app.register(incidentStreamRoutes)
  await app.register(watchingRoutes)
  await app.register(notificationRoutes)
  await app.register(silenceRoutes)
  await app.register(deploymentRoutes)
  await app.register(feedbackRoutes)
  await app.register(trainRoutes)
  await app.register(jobRoutes)
  await app.register(syntheticRoutes)
  await app.register(modelRoutes)
  await app.register(optimizeRoutes)
  await app.register(backtestJobRoutes)
  await app.register(recommendationRoutes)
  await app.register(endpointRoutes)
  await app.register(exportRoutes)
  await app.register(exportRateLimitRoutes)
  await app.register(ingestRoutes)
  await app.register(async (scope) => {
    await scope.register(otlpHttp)
    await scope.register(otlpRoutes)
  })
}

function createLogger({ logLevel }: Config, { hooks }: LogCounts): FastifyBaseLogger {
  return pino({
    level: logLevel,
    hooks,
    redact: {
      paths: [
        ...['req.headers.authorization', 'req.headers["x-api-key"]', 'req.headers.cookie'],
        ...['password', '*.password'],
        // What PostgreSQL adds to an error quotes rows and queries.
        ...['err.detail', 'err.where', 'err.query', 'err.parameters', 'err.args'],
      ],
      remove: true,
    },
  })
}
