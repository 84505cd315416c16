import type { Static } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import type { FeedbackPreview, IncidentFeedback } from '../schemas/feedback.js'
import { sourceOf } from './incident.js'

type Capability = FastifyInstance['feedback']
type Shown = Awaited<ReturnType<Capability['find']>>
type Preview = Awaited<ReturnType<Capability['preview']>>

/** Feedback as HTTP has it. */
export function toIncidentFeedback(feedback: Shown): Static<typeof IncidentFeedback> {
  const { id, incidentId, series, type, isActive, createdAt, author, note } = feedback
  return {
    ...{ id, incident_id: incidentId, source: sourceOf(series), type },
    state: isActive ? ('active' as const) : ('ended' as const),
    ...{ created_at: createdAt.toISOString(), created_by: author, note },
    ...whatOf(feedback),
    ended_at: feedback.withdrawnAt?.toISOString() ?? null,
    ended_because: feedback.withdrawnWhy,
  }
}

export function toFeedbackPreview(preview: Preview): Static<typeof FeedbackPreview> {
  const { compared, muted, acknowledged } = preview
  return {
    summary: summaryOf(preview),
    compared,
    muted: muted.map(({ id }) => id),
    acknowledged: acknowledged.map(({ id }) => id),
    ...whatOf(preview),
  }
}

function summaryOf({ compared, muted, acknowledged, deviations }: Preview): string {
  if (deviations.length === 0) return 'No minutes of this incident are known, so it would mute nothing.'
  const real = acknowledged.length === 0 ? 'none' : acknowledged.length
  return `Would have muted ${muted.length} of the last ${compared} incidents, ${real} of those acknowledged.`
}

function whatOf({
  hours,
  timeZone,
  deviations,
  expiresAt,
}: Pick<Shown, 'hours' | 'timeZone' | 'deviations' | 'expiresAt'>) {
  return {
    hours: [...hours],
    time_zone: timeZone,
    deviations: deviations.map(({ series, types, sizes, upTo }) => ({
      source: sourceOf(series),
      endpoint: series.kind === 'endpoint' ? series.name : null,
      types: [...types],
      ...{ sizes: rounded(sizes), up_to: rounded(upTo) },
    })),
    expires_at: expiresAt.toISOString(),
  }
}

type Sizes = Shown['deviations'][number]['sizes']

const rounded = (sizes: Sizes): Sizes => ({
  traffic_spike: thousandths(sizes.traffic_spike),
  traffic_drop: thousandths(sizes.traffic_drop),
  latency_spike: thousandths(sizes.latency_spike),
  error_rate_spike: thousandths(sizes.error_rate_spike),
})

const thousandths = (value: number) => Math.round(value * 1000) / 1000
