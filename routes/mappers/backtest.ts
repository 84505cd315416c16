import type { Static } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { toUnit } from './client-limits.js'
import type { Backtest, BacktestBody } from '../schemas/backtest.js'

type Run = FastifyInstance['optimization']['backtest']
type Request = Parameters<Run>[0]
type Outcome = Awaited<ReturnType<Run>>

/** What HTTP asks to be replayed. */
export function fromBacktestBody(body: Omit<Static<typeof BacktestBody>, 'wait'>): Request {
  const { window_seconds: windowSeconds, long_window: longWindow, by_method: byMethod, ...rest } = body
  return { ...rest, windowSeconds, longWindow, byMethod }
}

const MAX_ENDPOINTS = 50
const seconds = (ms: number) => ms / 1000

/** What a backtest has found, as HTTP has it. */
export function toBacktest(outcome: Outcome): Static<typeof Backtest> {
  const { report, names, plan, rule, seconds: took } = outcome
  const { requests, rejected, clients, clientsAffected } = report
  return {
    endpoint: plan.scope === 'gateway-client' ? '/**' : plan.endpoint,
    scope: plan.scope,
    algorithm: plan.algorithm,
    rule: rule && { ...toRule(rule), unit: toUnit(plan.costs).unit },
    from: plan.from.toISOString(),
    to: plan.to.toISOString(),
    requests,
    rejected,
    rejection_rate: report.rejectionRate,
    rejected_by_gateway: report.rejectedByGateway,
    rejected_by_long_window: report.rejectedByLongWindow,
    by_limit: byLimit(outcome),
    clients,
    clients_affected: clientsAffected,
    clients_affected_rate: clients > 0 ? clientsAffected / clients : 0,
    worst_minutes: report.worstMinutes.map(toMinute),
    worst_clients: report.worstClients.map(({ client, ...tally }) => ({
      client: names.clients[client]!,
      ...tally,
    })),
    by_tier: byTier(outcome),
    by_endpoint: byEndpoint(outcome),
    peak_offered: report.peakOffered && toMinute(report.peakOffered),
    peak_admitted: report.peakAdmitted && toMinute(report.peakAdmitted),
    unattributed: report.unattributed,
    seconds: took,
  }
}

const PARTS = {
  limit: 'limit',
  longWindow: 'long_window',
  dayWindow: 'day_window',
  failures: 'failures',
  distinctPaths: 'distinct_paths',
} as const

function byLimit({ report, plan }: Outcome) {
  return report.byLimit.map(({ of, part, rejected, clients }) => ({
    scope: of === 'gateway' ? ('gateway-client' as const) : plan.scope,
    limit: PARTS[part],
    ...{ rejected, clients },
  }))
}

/** Where tiers are known. */
function byTier({ report, names }: Outcome) {
  return report.byTier
    .map((tally, tier) => ({ tier: names.tiers[tier]!, ...tally }))
    .filter(({ tier, requests }) => tier !== '' && requests > 0)
}

/** Most rejected first. */
function byEndpoint({ report, names }: Outcome) {
  return report.byEndpoint
    .map((tally, endpoint) => ({ endpoint: names.endpoints[endpoint]!, ...tally }))
    .filter(({ requests }) => requests > 0)
    .sort((a, b) => b.rejected - a.rejected)
    .slice(0, MAX_ENDPOINTS)
}

function toRule({ limit, burst, windowMs, longWindow, dayWindow, ...rule }: NonNullable<Outcome['rule']>) {
  const toWindow = (window: typeof longWindow) =>
    window ? { seconds: seconds(window.windowMs), limit: window.limit } : null
  return {
    ...{ limit, burst, window_seconds: seconds(windowMs) },
    ...{ long_window: toWindow(longWindow), day_window: toWindow(dayWindow) },
    ...{ failures: toWindow(rule.failures), distinct_paths: toWindow(rule.distinctPaths) },
  }
}

function toMinute({ minuteMs, requests, rejected }: NonNullable<Outcome['report']['peakOffered']>) {
  return { minute: new Date(minuteMs).toISOString(), requests, rejected }
}
