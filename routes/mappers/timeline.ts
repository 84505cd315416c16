import type { Static } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import type { TimelineData } from '../schemas/watching.js'
import { sourceOf } from './incident.js'

type Found = Awaited<ReturnType<FastifyInstance['incidents']['timeline']>>

const STEPS: Readonly<Record<number, Static<typeof TimelineData>['step']>> = {
  60: '1m',
  300: '5m',
  900: '15m',
  3600: '1h',
  21600: '6h',
  86400: '1d',
}

/** A timeline as HTTP has it. */
export function toTimeline({ series, from, to, stepSeconds, points }: Found): Static<typeof TimelineData> {
  return {
    kind: series.kind,
    source: sourceOf(series),
    endpoint: series.kind === 'endpoint' ? series.name : null,
    from: from.toISOString(),
    to: to.toISOString(),
    step: STEPS[stepSeconds]!,
    points: points.map((point) => {
      const measured = (i: number) => ({
        value: point.values[i] ?? null,
        expected: point.expected[i] ?? null,
        lower: point.lower[i] ?? null,
        upper: point.upper[i] ?? null,
      })
      return {
        at: new Date(point.timeMs).toISOString(),
        requests_per_second: measured(0),
        avg_latency_ms: measured(1),
        p95_latency_ms: measured(2),
        p99_latency_ms: measured(3),
        error_rate: measured(4),
        verdict: point.verdict,
      }
    }),
  }
}
