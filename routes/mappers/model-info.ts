import type { Static } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import type { Rhythms } from '../schemas/models.js'

type Info = ReturnType<FastifyInstance['modelManagement']['info']>

export function detectorInfo({ version, trainedAt, model, engine, reason }: NonNullable<Info['anomaly']>) {
  return {
    is_trained: true as const,
    version,
    training_timestamp: trainedAt,
    training_samples: model.nSamples,
    interval_seconds: model.intervalSeconds,
    contamination: model.contamination,
    n_estimators: model.forest.nEstimators,
    score_threshold: model.threshold,
    feature_names: Object.keys(model.baselines),
    baselines: model.baselines,
    time_zone: model.timeZone,
    rhythms: Object.fromEntries(
      Object.entries(model.expectations).map(([feature, { usual }]) => [feature, rhythmInfo(usual.season)]),
    ) as Static<typeof Rhythms>,
    engine: { name: engine.name, backend: engine.backend, reason },
  }
}

type Season = NonNullable<Info['anomaly']>['model']['expectations']['error_rate']['usual']['season']

function rhythmInfo({ rhythm, minuteOfHour, minuteOfDay, slotOfWeek }: Season) {
  return {
    rhythm,
    minute_of_hour: minuteOfHour !== null,
    sharp_minutes: termsOf(minuteOfDay, (minute) => minute % 1440),
    weekly_quarters: termsOf(slotOfWeek, (slot) => Math.floor((slot * 672) / slotOfWeek!.length)),
  }
}

/** How many minutes of the day, or quarters of an hour of the week, have a term. */
function termsOf(terms: Float64Array | null, placeOf: (index: number) => number): number {
  return new Set([...(terms ?? []).keys()].filter((index) => terms![index] !== 0).map(placeOf)).size
}

type Automatic = ReturnType<FastifyInstance['automaticTraining']['status']>

export function automaticInfo({ everyMs, nextMs, pausedBecause, last }: Automatic) {
  return {
    every_seconds: everyMs === null ? null : everyMs / 1000,
    next_at: nextMs === null ? null : new Date(nextMs).toISOString(),
    paused_because: pausedBecause,
    last: last && {
      ended_at: last.endedAt,
      outcome: last.outcome,
      reason: last.reason,
      version: last.version,
      job: last.job,
    },
  }
}

export function minEffects({
  traffic,
  latency,
  latencyMs,
  errors,
  requests,
}: FastifyInstance['config']['effects']) {
  return { traffic, latency, latency_ms: latencyMs, error_rate: errors, requests }
}

/** The same in every version. */
export const OPTIMIZER_SETTINGS = { strategy: 'balanced', headroom_percent: 20 } as const

export function optimizerInfo({ version, trainedAt, model }: NonNullable<Info['optimizer']>) {
  return {
    is_trained: true as const,
    version,
    training_timestamp: trainedAt,
    training_requests: model.requests,
    ...OPTIMIZER_SETTINGS,
    endpoint_count: model.byTemplate.size,
    endpoints: [...model.byTemplate.keys()],
  }
}
