import { friendlyNumber } from '../rate-limit/endpoints/friendly-number.js'
import { DAY_MS } from '../traffic/durations.js'

/** What a limit for each client would have done. */
export interface LimitEffect {
  /** Requests a minute, and at once. */
  readonly limit: number
  /** Requests of the clients that caused the incident, and those of them that it rejects. */
  readonly caused: { readonly requests: number; readonly rejected: number }
  /** Of the days before: the other clients. */
  readonly others: {
    readonly requests: number
    readonly rejected: number
    readonly clients: number
    readonly clientsAffected: number
  }
}

/** What a limit is divided by, compared with the slowest of the clients that caused the incident. */
const DIVISORS = [1.5, 2, 3, 5, 8, 12, 20, 35, 60, 100]
const MIN_LIMIT = 5
/** One in so many of the other clients that is touched costs as much as the whole of the incident is worth. */
const WORTH_OF_CLIENTS = 20
/** A limit that stops less is none. */
const MIN_STOPPED = 0.5
/** A limit that stops more than this is only stricter. */
const ENOUGH = 0.95
const MAX_TOUCHED = 0.02

/**
 * The limits to try, in requests a minute, descending: fractions of the rate of the slowest client that caused the incident.
 * @param perMinute its requests a minute
 */
export function limitsToTry(perMinute: number): number[] {
  const limits = DIVISORS.map((divisor) => friendlyNumber(perMinute / divisor))
  return [...new Set(limits)].filter((limit) => limit >= MIN_LIMIT && limit < perMinute)
}

/** The share of the requests of the culprits that a limit rejects, 0…1. */
function stoppedBy({ caused }: LimitEffect): number {
  return caused.requests > 0 ? caused.rejected / caused.requests : 0
}

/** The share of the other clients that a limit rejects a request of, 0…1. */
function touchedBy({ others }: LimitEffect): number {
  return others.clients > 0 ? others.clientsAffected / others.clients : 0
}

/**
 * The limit that stops the most and touches the fewest: the largest share that is stopped, up to 95 %, less 20 times the share of the other
 * clients that are touched; of equal ones the higher limit.
 *
 * @returns null where none stops half of the incident and touches at most 2 % of the others
 */
export function chooseLimit(effects: readonly LimitEffect[]): LimitEffect | null {
  const worth = (effect: LimitEffect) =>
    Math.min(ENOUGH, stoppedBy(effect)) - WORTH_OF_CLIENTS * touchedBy(effect)
  return effects
    .filter((effect) => stoppedBy(effect) >= MIN_STOPPED && touchedBy(effect) <= MAX_TOUCHED)
    .reduce<LimitEffect | null>((best, each) => {
      const [a, b] = [each, best]
      if (b === null || worth(a) > worth(b)) return a
      return worth(a) === worth(b) && a.limit > b.limit ? a : b
    }, null)
}

/** A limit for some time against the clients that caused an incident, with what speaks for it. */
export interface IncidentRecommendation {
  /** `/orders/{id}` with all its methods, or `/**` for the whole gateway. */
  readonly endpoint: string
  readonly tier: string
  readonly scope: 'client' | 'gateway-client'
  /** The limit in force, requests a minute; null where there is none. */
  readonly currentLimit: number | null
  /** Requests a minute of each client, and at once. */
  readonly limit: number
  readonly burst: number
  /** The clients that caused the incident, the largest first. */
  readonly causedBy: readonly string[]
  readonly caused: LimitEffect['caused']
  /** The other clients in the days before. ISO-8601. */
  readonly backtest: LimitEffect['others'] & { readonly from: string; readonly to: string }
  /** 0…1 */
  readonly confidence: number
  /** Such as: stops 96 % of this, touches 2 of 1,410 clients. */
  readonly summary: string
  readonly reasoning: string
  readonly warnings: readonly string[]
}

/** Days of backtest that say all. */
const FULL_DAYS = 7

/**
 * A chosen limit as it is recommended.
 * @param choice where and for whom; its current limit, when that is as strict, is told in a warning
 */
export function describeIncidentLimit(
  effect: LimitEffect,
  choice: Pick<IncidentRecommendation, 'endpoint' | 'tier' | 'scope' | 'currentLimit' | 'causedBy'>,
  { from, to }: { readonly from: Date; readonly to: Date },
): IncidentRecommendation {
  const { limit, caused, others } = effect
  const { clients, clientsAffected } = others
  const summary = `stops ${percent(stoppedBy(effect))} of this, touches ${count(clientsAffected)} of ${count(clients)} clients`
  const days = (to.getTime() - from.getTime()) / DAY_MS
  const isStrict = choice.currentLimit !== null && choice.currentLimit <= limit
  const [who, their] =
    choice.causedBy.length === 1 ? ['One client', 'its'] : [`${choice.causedBy.length} clients`, 'their']
  const reasoning =
    `${who} caused most of the rise. ${count(limit)} requests a minute for each client would have rejected ` +
    `${count(caused.rejected)} of ${their} ${count(caused.requests)} requests. In the ${days.toFixed(1)} days before, it would have ` +
    `rejected ${count(others.rejected)} of ${count(others.requests)} requests of the other clients.`
  const warning = `The limit in force, ${choice.currentLimit} requests a minute, is as strict: check whether the gateway enforces it.`
  return {
    ...choice,
    ...{ limit, burst: limit, caused, summary, reasoning },
    backtest: { from: from.toISOString(), to: to.toISOString(), ...others },
    confidence:
      stoppedBy(effect) * (1 - WORTH_OF_CLIENTS * touchedBy(effect)) * Math.min(1, days / FULL_DAYS),
    warnings: isStrict ? [warning] : [],
  }
}

/** What the limits in force would have done to an incident. */
export interface IncidentLimits {
  /** When these limits were in force. ISO-8601. */
  readonly asOf: string
  /** Those that apply to requests of the incident, at most 20. */
  readonly limits: readonly {
    readonly endpoint: string
    readonly tier: string | null
    readonly limit: number
    readonly burst: number | null
    readonly scope: 'endpoint' | 'client'
  }[]
  readonly requests: number
  readonly rejected: number
  readonly clients: number
  readonly clientsAffected: number
  /** Whether the requests were replayed to the end of the incident, or of its first hour. */
  readonly isComplete: boolean
}

const percent = (share: number) => `${Math.floor(100 * share)} %`
const count = (value: number) => value.toLocaleString('en-US')
