import { FastifyOtelInstrumentation } from '@fastify/otel'
import {
  context,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
  type Span,
  type Tracer as OtelTracer,
} from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { watchStatements, type StatementName } from '../../db/traced-statements.js'
import type { TracingConfig } from '../config/tracing.js'
import { createContextManager } from './context-manager.js'
import { quietExporter } from './exporter.js'
import { setTracer, type SpanFacts } from './span.js'

/** Stopping waits no longer for the last spans. */
const MAX_FLUSH_MS = 2_000
/** More spans that wait are dropped. */
const MAX_WAITING_SPANS = 2_048
const MAX_ATTRIBUTE_LENGTH = 1_000
/** A receiver that answers later has failed. */
const MAX_EXPORT_MS = 10_000

/** What is asked for all the time, and what may be our own traces. */
const IGNORED = /^\/(?:health\/(?:live|ready)|metrics|v1\/(?:traces|logs))$/

/** Starts the spans of an app, of the statements of this thread, and of jobs. */
export async function startTracing(
  app: FastifyInstance,
  config: TracingConfig & { version: string },
): Promise<void> {
  const provider = createProvider(config, app.log)
  const tracer = provider.getTracer('aegis-ml', config.version)
  context.setGlobalContextManager(createContextManager())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  setTracer((name, facts, work) => inSpan(tracer, name, facts, work))
  watchStatements((name) => statementSpan(tracer, name))
  await traceRequests(app, provider)
  app.addHook('onClose', async () => {
    setTracer(undefined)
    watchStatements(undefined)
    context.disable()
    propagation.disable()
    await Promise.race([provider.shutdown().catch(() => undefined), afterFlush()])
  })
  app.log.info({ url: config.url, service: config.serviceName, ratio: config.ratio }, 'traces are sent')
}

const afterFlush = () => new Promise<void>((resolve) => setTimeout(resolve, MAX_FLUSH_MS).unref())

function createProvider(
  { url, serviceName, ratio, followsParent, version }: TracingConfig & { version: string },
  log: FastifyInstance['log'],
) {
  const root = new TraceIdRatioBasedSampler(ratio)
  const own = resourceFromAttributes({ 'service.name': serviceName, 'service.version': version })
  const exporter = quietExporter(new OTLPTraceExporter({ url, timeoutMillis: MAX_EXPORT_MS }), url, log)
  return new TracerProvider({
    resource: own.merge(detectResources({ detectors: [envDetector] })),
    spanLimits: { attributeValueLengthLimit: MAX_ATTRIBUTE_LENGTH },
    sampler: followsParent ? new ParentBasedSampler({ root }) : root,
    spanProcessors: [new BatchSpanProcessor({ exporter, maxQueueSize: MAX_WAITING_SPANS })],
  })
}

async function traceRequests(app: FastifyInstance, provider: TracerProvider): Promise<void> {
  const instrumentation = new FastifyOtelInstrumentation({
    instrumentHooks: false,
    instrumentHandler: false,
    recordExceptions: false, // the log has them
    ignorePaths: ({ url }) => IGNORED.test(url.split('?', 1)[0]!),
    requestHook: (span, request) => nameRequest(span, request),
  })
  instrumentation.setTracerProvider(provider)
  await app.register(instrumentation.plugin())
  // The body arrives in callbacks of its connection, which know nothing of the request.
  app.addHook('preValidation', (request, _reply, done) => {
    const { context: own } = request.opentelemetry()
    if (own) context.with(own, done)
    else done()
  })
  // A refused request is no failure of the service, and messages of failures stay in the log.
  app.addHook('onSend', (request, { statusCode }, _payload, done) => {
    const code = statusCode >= 500 ? SpanStatusCode.ERROR : SpanStatusCode.OK
    if (statusCode >= 400) request.opentelemetry().span?.setStatus({ code })
    done()
  })
}

/** The query is left out: values do not belong into traces. */
function nameRequest(span: Span, { method, url, routeOptions, id }: FastifyRequest): void {
  span.updateName([method, routeOptions.url].filter(Boolean).join(' '))
  span.setAttributes({ 'url.path': url.split('?', 1)[0]!.slice(0, 1000), 'aegis_ml.request_id': id })
}

/** A job that outlives the request that began it has a trace of its own, with a link. */
async function inSpan<T>(
  tracer: OtelTracer,
  name: string,
  facts: SpanFacts,
  work: () => Promise<T>,
): Promise<T> {
  const parent = trace.getActiveSpan()
  const isOver = parent !== undefined && !parent.isRecording() && isSampled(parent)
  const options = {
    attributes: { ...facts },
    ...(isOver && { root: true, links: [{ context: parent.spanContext() }] }),
  }
  return tracer.startActiveSpan(name, options, async (span) => {
    try {
      return await work()
    } catch (error) {
      fail(span, error)
      throw error
    } finally {
      span.end()
    }
  })
}

/** Whether it was kept, so that one which records nothing has ended. */
const isSampled = (span: Span) => (span.spanContext().traceFlags & 1) === 1

/** Statements are a part of a request or of a job: what only polls has no trace. */
function statementSpan(tracer: OtelTracer, name: () => StatementName) {
  const parent = trace.getActiveSpan()
  if (parent === undefined || !parent.isRecording()) return undefined
  const { operation, table } = name()
  const attributes = {
    'db.system.name': 'postgresql',
    'db.operation.name': operation,
    ...(table && { 'db.collection.name': table }),
  }
  const span = tracer.startSpan([operation, table].filter(Boolean).join(' '), {
    kind: SpanKind.CLIENT,
    attributes,
  })
  return (error?: unknown): void => {
    if (error !== undefined) fail(span, error)
    span.end()
  }
}

/** A message may quote values, so the code stands for it. */
function fail(span: Span, error: unknown): void {
  const { code, name } = error as { code?: unknown; name?: unknown }
  span.setAttribute('error.type', String(code ?? name ?? 'error').slice(0, 100))
  span.setStatus({ code: SpanStatusCode.ERROR })
}
