import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { completeBatch, withErrorRate } from './mappers/metrics.js'
import {
  Batch,
  BatchVerdict,
  Metrics,
  Trend,
  TrendQuery,
  Verdict,
  type VerdictData,
} from './schemas/detection.js'
import { failures, ref } from './schemas/types.js'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/detect',
    {
      bodyLimit: 16 * 1024,
      config: { access: 'detect' },
      schema: {
        operationId: 'detect',
        tags: ['detection'],
        summary: 'Judge one interval of traffic',
        description:
          'Requires an active model. The report also updates the sliding window of its source. A second report for the same source and minute replaces the first. A report older than the newest one is judged, but it changes no state.',
        body: ref(Metrics),
        response: { 200: ref(Verdict), ...failures(400, 409, 413, 415) },
      },
    },
    async (request) => {
      const report = withSource(request, withErrorRate(request.body, request.warnings))
      const judged = app.detection.detect(report)
      const { episodeSinceMs } = judged.verdict
      const incident = app.incidents.openIncidentOf(judged.source)
      return {
        ...toVerdict(judged),
        alarm_since: episodeSinceMs === null ? null : new Date(episodeSinceMs).toISOString(),
        ...(incident !== null && { incident_id: incident }),
      }
    },
  )

  app.post(
    '/detect/batch',
    {
      bodyLimit: 8 * 1024 * 1024,
      config: { access: 'detect', largeBodies: 'in workers' },
      schema: {
        operationId: 'detectBatch',
        tags: ['detection'],
        summary: 'Judge up to 10,000 intervals',
        description:
          'Use it to try a model or a setting on past traffic. With mode independent, each interval is judged on its own. With mode replay, the intervals are judged in order of time, as a separate stream. The sliding windows of /detect are neither used nor changed.',
        body: ref(Batch),
        response: { 200: ref(BatchVerdict), ...failures(400, 409, 413, 415, 503) },
      },
    },
    async (request) => {
      const { mode = 'independent' } = request.body
      const reports = request.body.metrics.map((report) => withSource(request, report))
      const metrics = completeBatch(reports, request.warnings)
      const { verdicts, episodes } =
        mode === 'replay'
          ? app.detection.replay(metrics)
          : { verdicts: app.detection.detectBatch(metrics), episodes: undefined }
      const results = verdicts.map((judged) => {
        const verdict = toVerdict(judged)
        return { ...verdict, is_anomaly: verdict.anomaly }
      })
      const anomalies = results.filter((verdict) => verdict.anomaly).length
      return {
        results,
        summary: { total: results.length, anomalies, anomaly_rate: anomalies / Math.max(1, results.length) },
        ...(episodes && { episodes: episodes.map(toEpisode) }),
      }
    },
  )

  app.get(
    '/detect/trend',
    {
      config: { access: ['read', 'detect'] },
      schema: {
        operationId: 'getTrend',
        tags: ['detection'],
        summary: 'Get the trend of a source',
        querystring: TrendQuery,
        response: { 200: ref(Trend), ...failures(400) },
      },
    },
    async (request) => {
      const trend = app.detection.trend(request.sourceFor(request.query.source))
      return {
        window_size: trend.windowSize,
        anomaly_streak: trend.anomalyStreak,
        rps_trend: trend.rpsTrend,
        latency_trend: trend.latencyTrend,
        error_trend: trend.errorTrend,
        recent_anomaly_rate: trend.recentAnomalyRate,
        status: trend.status,
        trend: trend.status,
      }
    },
  )

  function toVerdict(
    judged: ReturnType<typeof app.detection.detect>,
  ): Omit<VerdictData, 'alarm_since' | 'incident_id'> {
    const { verdict, interval } = judged
    return {
      anomaly: verdict.anomaly,
      score: verdict.score,
      normalized_score: verdict.normalizedScore,
      anomaly_type: verdict.type,
      severity: verdict.severity,
      confidence: verdict.confidence,
      explanation: verdict.explanation,
      features: {
        requests_per_second: interval.requests_per_second,
        avg_latency_ms: interval.avg_latency_ms,
        p95_latency_ms: interval.p95_latency_ms,
        p99_latency_ms: interval.p99_latency_ms,
        error_rate: interval.error_rate,
      },
      timestamp: new Date(judged.timestampMs).toISOString(),
      expected: verdict.expected,
      contributions: verdict.contributions,
      streak: verdict.streak,
      confirmed: verdict.confirmed,
      model_version: judged.modelVersion,
    }
  }
}

/** The report with the source that its caller may report. */
function withSource<T extends { source?: string }>(request: FastifyRequest, report: T): T {
  const source = request.sourceFor(report.source)
  return source === report.source ? report : { ...report, source }
}

type Replayed = ReturnType<FastifyInstance['detection']['replay']>['episodes'][number]

function toEpisode({ fromMs, toMs, ...episode }: Replayed) {
  return { ...episode, from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() }
}

export default routes
