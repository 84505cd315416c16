import { ANOMALY_TYPES, type AnomalyType } from '../anomaly/verdict.js'
import { MINUTE_MS } from '../traffic/durations.js'
import type { Member, OpenIncident } from './book-state.js'
import { addImpact, harmedRequests, largerImpact, NO_IMPACT, type Impact } from './impact.js'
import type { Incident } from './incident.js'
import type { Series } from './series-minute.js'

/** Endpoints that an incident names. */
export const MAX_NAMED = 20

/** An endpoint that was affected this much later ranks as if it had half of the harm. */
const HALF_RANK_MINUTES = 5

/** An open incident as others see it. @param endedMs null while it is open */
export function describeIncident(incident: OpenIncident, endedMs: number | null): Incident {
  const { number, startedMs, severity, peak, members } = incident
  const gateway = members.find(({ series }) => series.kind === 'gateway')
  const alarmed = members.filter(({ isAlarmed }) => isAlarmed)
  const ranked = rank(members.filter(({ series }) => series.kind === 'endpoint'))
  const first = gateway ?? ranked[0] ?? alarmed[0]!
  return {
    number,
    series: seriesOf(alarmed),
    type: mostFrequent(first.types),
    severity,
    peak: { severity: peak.severity, timeMs: peak.timeMs },
    startedMs,
    endedMs,
    explanation: explanationOf(peak.explanation, ranked, alarmed),
    endpoints: endpointsOf(ranked),
    impact: rounded(impactOfMembers(members, gateway)),
  }
}

/** The one series that is affected, or the gateway. */
function seriesOf(alarmed: readonly Member[]): Series {
  return alarmed.length === 1 ? alarmed[0]!.series : { kind: 'gateway', name: '' }
}

/**
 * The likely origin first: by harmed requests, times the square of the share of its requests that is affected, since those
 * that depend on the origin have a part of its trouble; halved for every {@link HALF_RANK_MINUTES} minutes that an endpoint
 * was affected later than the first. Endpoints with an alarm come before those without.
 */
function rank(endpoints: readonly Member[]): Member[] {
  const firstMs = Math.min(...endpoints.map(({ startedMs }) => startedMs))
  const weight = ({ impact, startedMs }: Member) =>
    (harmedRequests(impact) * affectedShare(impact) ** 2 + 1e-9) *
    2 ** (-(startedMs - firstMs) / (HALF_RANK_MINUTES * MINUTE_MS))
  return [...endpoints].sort(
    (a, b) =>
      Number(b.isAlarmed) - Number(a.isAlarmed) ||
      weight(b) - weight(a) ||
      (a.series.name < b.series.name ? -1 : 1),
  )
}

function affectedShare({ requests, failed, slow, missing, excess }: Impact): number {
  const all = requests + missing
  return all > 0 ? Math.min(1, Math.max(failed, slow, missing, excess) / all) : 0
}

function endpointsOf(ranked: readonly Member[]): Incident['endpoints'] {
  const whole = ranked.reduce((sum, { impact }) => sum + harmedRequests(impact), 0)
  return ranked.slice(0, MAX_NAMED).map(({ series, startedMs, types, impact }) => ({
    endpoint: series.name,
    share: whole > 0 ? harmedRequests(impact) / whole : 1 / ranked.length,
    startedMs,
    type: mostFrequent(types),
  }))
}

function mostFrequent(types: Member['types']): AnomalyType {
  return ANOMALY_TYPES.reduce((a, b) => ((types[b] ?? 0) > (types[a] ?? 0) ? b : a))
}

/** What the gateway as a whole and what its endpoints show; the larger counts, since small parts raise no alarm. */
function impactOfMembers(members: readonly Member[], gateway: Member | undefined): Impact {
  const ofParts = members
    .filter((member) => member !== gateway)
    .reduce((sum, { impact }) => addImpact(sum, impact), NO_IMPACT)
  return gateway ? largerImpact(gateway.impact, ofParts) : ofParts
}

function rounded({ requests, failed, slow, missing, excess }: Impact): Impact {
  return {
    requests: Math.round(requests),
    failed: Math.round(failed),
    slow: Math.round(slow),
    missing: Math.round(missing),
    excess: Math.round(excess),
  }
}

function explanationOf(explanation: string, ranked: readonly Member[], alarmed: readonly Member[]): string {
  const [first, ...others] = ranked.filter(({ isAlarmed }) => isAlarmed)
  if (alarmed.length === 1 || first === undefined) return explanation
  const more =
    others.length === 0 ? '' : ` and ${others.length} more ${others.length === 1 ? 'endpoint' : 'endpoints'}`
  return `${explanation} Likely origin: ${first.series.name}${more}.`
}
