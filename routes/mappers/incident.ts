import type { Static } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import type { Incident, IncidentDetail } from '../schemas/incidents.js'
import { toIncidentLimits, toIncidentRecommendation, toTemporaryLimit } from './incident-limits.js'
import type { Scan } from '../schemas/incident-scan.js'

type Capability = FastifyInstance['incidents']
type Found = Awaited<ReturnType<Capability['find']>>
type Stored = Found['incident']
type Scanned = Awaited<ReturnType<Capability['scan']>>

/** The name of the gateway, and of the source of its endpoints. */
const GATEWAY_SOURCE = 'default'

/** An incident as HTTP has it. */
export function toIncident(incident: Stored): Static<typeof Incident> {
  const { id, state, series, type, severity, startedAt, endedAt, explanation } = incident
  return {
    ...{ id, state, source: sourceOf(series), type, severity },
    started_at: startedAt.toISOString(),
    ended_at: endedAt?.toISOString() ?? null,
    explanation,
    endpoints: endpointsOf(incident.endpoints),
    clients: incident.clients.map(({ client, requests, share }) => ({ client, requests, share })),
    impact: impactOf(incident.impact),
    change: incident.change && {
      kind: incident.change.kind,
      at: incident.change.at,
      detail: incident.change.detail,
    },
    recommendation: incident.recommendation && toIncidentRecommendation(incident.recommendation),
  }
}

export function toIncidentDetail({ incident, entries, applied }: Found): Static<typeof IncidentDetail> {
  const { peak, impact, samples } = incident
  return {
    ...toIncident(incident),
    peak: { severity: peak.severity, at: peak.at.toISOString() },
    traffic: { missing: whole(impact.missing), excess: whole(impact.excess) },
    samples: samples && { first: samples.first.map(toFailed), last: samples.last.map(toFailed) },
    acknowledged_at: incident.acknowledgedAt?.toISOString() ?? null,
    acknowledged_by: incident.acknowledgedBy,
    resolved_at: incident.resolvedAt?.toISOString() ?? null,
    resolved_by: incident.resolvedBy,
    limits: incident.limits && toIncidentLimits(incident.limits),
    applied: applied && toTemporaryLimit(applied),
    timeline: entries.map(({ at, kind, author, note, detail }) => ({
      ...{ at: at.toISOString(), kind, by: author, note, detail },
    })),
  }
}

type Failed = NonNullable<Stored['samples']>['first'][number]

function toFailed({ at, method, path, status, latencyMs, client }: Failed) {
  return { at, method, path, status, latency_ms: latencyMs, client }
}

/** What a scan has found, as HTTP has it. */
export function toScan({ incidents, from, to, minutes, modelVersion }: Scanned): Static<typeof Scan> {
  return {
    incidents: incidents.map((incident) => ({
      id: `scan-${incident.number}`,
      state: incident.endedMs === null ? ('open' as const) : ('resolved' as const),
      source: sourceOf(incident.series),
      ...{ type: incident.type, severity: incident.peak.severity },
      started_at: new Date(incident.startedMs).toISOString(),
      ended_at: incident.endedMs === null ? null : new Date(incident.endedMs).toISOString(),
      explanation: incident.explanation,
      endpoints: endpointsOf(incident.endpoints),
      clients: incident.clients.map(({ client, requests, share }) => ({ client, requests, share })),
      impact: impactOf({
        ...incident.impact,
        ...(incident.clientCount !== null && { clients: incident.clientCount }),
      }),
      ...{ change: null, recommendation: null },
    })),
    from: from.toISOString(),
    to: to.toISOString(),
    minutes,
    model_version: modelVersion,
  }
}

export function sourceOf({ kind, name }: Stored['series']): string {
  return kind === 'source' ? name : GATEWAY_SOURCE
}

function endpointsOf(endpoints: Stored['endpoints']) {
  return endpoints.map(({ endpoint, share, startedMs }) => ({
    ...{ endpoint, share },
    started_at: new Date(startedMs).toISOString(),
  }))
}

function impactOf({ requests, failed, slow, clients }: Stored['impact']) {
  return { requests: whole(requests), failed: whole(failed), slow: whole(slow), clients: clients ?? null }
}

/** Expectations are fractions. */
const whole = (value = 0) => Math.max(0, Math.round(value))
