import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { Registry } from 'prom-client'
import type { Judged } from './detection.js'
import type { StreamVerdict } from '../models/stream/stream-verdict.js'
import type { JudgedRound } from '../models/watch/judge-round.js'
import { createDatabaseLooks, type DatabaseLook } from './metrics/database-look.js'
import { CONTENT_TYPES, expositionFor, toOpenMetrics } from './metrics/exposition.js'
import { BusiestSources, registerJudgedSeries, type JudgedRate } from './metrics/judged-series.js'
import { registerLog, type LogCounts } from './metrics/log-counts.js'
import { registerModels, registerTraining } from './metrics/models.js'
import { processRegistry, registerBuild, registerEventLoop } from './metrics/process.js'
import { registerRequests } from './metrics/requests.js'
import {
  registerAudit,
  registerDatabase,
  registerHealth,
  registerIncidents,
  registerIngest,
  registerLoad,
  registerNotifications,
  registerWatcher,
} from './metrics/state.js'
import { registerVerdicts, VerdictCounts } from './metrics/verdicts.js'

/** What there is to measure, for Prometheus. */
export interface Metrics {
  /**
   * Everything as of now, from memory. The database is asked for at most a second; what it does not say is left out.
   * @param accept the Accept header, which chooses between the text format and OpenMetrics
   */
  scrape(accept: string | undefined): Promise<{ readonly contentType: string; readonly text: string }>
}

declare module 'fastify' {
  interface FastifyInstance {
    metrics: Metrics
  }
}

interface MetricsOptions {
  readonly version: string
  readonly logCounts: LogCounts
}

/** Counts verdicts, and remembers the last one of the gateway and of each source. */
function followVerdicts({ detection, watcher, models }: FastifyInstance) {
  const counts = new VerdictCounts()
  const sources = new BusiestSources<Judged>(({ verdict, interval }) =>
    rateOf(verdict, interval.requests_per_second),
  )
  let gateway: JudgedRate | null = null
  detection.onJudged((judged) => {
    counts.add('source', judged.verdict.type, judged.verdict.severity)
    sources.set(judged.source, judged, Date.now())
  })
  models.onReset('anomaly', () => sources.clear())
  watcher.onRound(({ minutes, notable }: JudgedRound) => {
    for (const { series, alarm } of minutes) {
      counts.add(series.kind, alarm?.type ?? null, alarm?.severity ?? null)
    }
    const whole = notable.find(({ minute }) => minute.series.kind === 'gateway')
    if (whole) gateway = rateOf(whole.verdict, whole.minute.requests / whole.minute.seconds)
  })
  return {
    counts,
    sources,
    gateway: () => (watcher.own.state === 'watching' && watcher.own.isHolder ? gateway : null),
  }
}

function rateOf({ expected, normalizedScore }: StreamVerdict, actual: number): JudgedRate {
  const { value, lower, upper } = expected.requests_per_second
  return { actual, expected: value, lower, upper, score: normalizedScore }
}

/** Where GET /health finds problems, and how many there are. */
function problemsOf({ database, models, prometheus }: FastifyInstance): ReadonlyMap<string, number> {
  return new Map([
    ['database', database.problems.length],
    ...(database.traffic ? ([['traffic_database', database.traffic.problems.length]] as const) : []),
    ['models', models.problems.length],
    ...(prometheus ? ([['prometheus', prometheus.problem === undefined ? 0 : 1]] as const) : []),
  ])
}

function createMetrics(
  app: FastifyInstance,
  { version, logCounts }: MetricsOptions,
): Metrics & { close(): Promise<void> } {
  const registry = new Registry()
  const ofProcess = processRegistry()
  const looks = createDatabaseLooks(app)
  const verdicts = followVerdicts(app)
  let look: DatabaseLook | null = null
  let shown: ReadonlyMap<string, JudgedRate> = new Map()

  registerBuild(registry, version)
  registerHealth(registry, () => problemsOf(app))
  registerLog(registry, logCounts)
  registerRequests(registry, app.requestCounts)
  registerLoad(registry, app.load)
  registerAudit(registry, () => app.audit.counts())
  registerVerdicts(registry, verdicts.counts)
  registerJudgedSeries(registry, { gateway: verdicts.gateway, sources: () => shown })
  registerIncidents(
    registry,
    () => look,
    () => app.incidents.lostMinutes,
  )
  app.notifications.onAttempt(registerNotifications(registry, app.notifications.channels, () => look))
  registerWatcher(registry, () => app.watcher.own)
  registerIngest(registry, () => app.ingest.counts)
  registerModels(registry, { models: app.models, drift: () => app.detection.drift() })
  app.training.onEnded(registerTraining(registry))
  registerDatabase(registry, () => look)
  const stopEventLoop = registerEventLoop(registry)

  return {
    async scrape(accept) {
      look = await looks.look()
      shown = verdicts.sources.shown(Date.now())
      const exposition = expositionFor(accept)
      const text = (await registry.metrics()) + (await ofProcess.metrics())
      return {
        contentType: CONTENT_TYPES[exposition],
        text: exposition === 'openmetrics' ? toOpenMetrics(text) : text,
      }
    },
    async close() {
      stopEventLoop()
      await looks.close()
    },
  }
}

/** `fastify.metrics`. It comes last: it looks at everything, and nothing depends on it. */
export default fp<MetricsOptions>(
  async (app, options) => {
    const metrics = createMetrics(app, options)
    app.decorate('metrics', metrics)
    app.addHook('preClose', () => metrics.close())
  },
  {
    name: 'metrics',
    dependencies: [
      ...['request-counts', 'database', 'model-registry', 'prometheus', 'detection', 'training', 'incidents'],
      ...['load', 'notifications', 'watcher', 'ingest', 'audit'],
    ],
  },
)
