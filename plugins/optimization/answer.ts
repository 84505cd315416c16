import { hasNoLimit, whyNoLimit } from '../../models/optimizer/recommend.js'
import type { RateLimitRecommendation } from '../../models/rate-limit/recommendation.js'
import { ServiceError } from '../http/errors.js'
import type { EndpointState } from './selection.js'
import type { ShortBacktest } from './short-backtest.js'

/** A recommendation, and what the endpoint is. */
export interface StatedRecommendation extends RateLimitRecommendation {
  /** Null for an endpoint never seen. An attack path and an ignored one get no limit. */
  readonly state: EndpointState | null
  /** Most of its requests find nothing: it gets no limit either. */
  readonly isMissing?: boolean
}

/** A recommendation with what was asked for beside it. */
export interface AnsweredRecommendation extends StatedRecommendation {
  /** Of the kept recommendation, where it is kept. */
  readonly id?: string
  readonly backtest?: ShortBacktest
}

export function answered(
  found: StatedRecommendation,
  backtest: ShortBacktest | undefined,
  id: string | undefined,
): AnsweredRecommendation {
  return { ...found, ...(backtest && { backtest }), ...(id !== undefined && { id }) }
}

/** Of the column endpoint_pattern. */
const MAX_PATTERN_LENGTH = 255
const TOO_LONG = `endpoint is longer than ${MAX_PATTERN_LENGTH} characters, which is all that can be kept`

/** Why a recommendation cannot be saved; null where it can. */
export function whyNotKept(found: StatedRecommendation): string | null {
  if (hasNoLimit(found)) return 'It was not saved, because no limit is recommended for it.'
  return isTooLong(found.endpoint) ? `It was not kept: ${TOO_LONG}.` : null
}

export function withWarning<T extends RateLimitRecommendation>(found: T, warning: string): T {
  return { ...found, warnings: [...found.warnings, warning] }
}

/** A backtest without requests says nothing about a limit. */
export function withEmptyBacktest<T extends RateLimitRecommendation>(
  found: T,
  backtest: ShortBacktest | undefined,
): T {
  if (backtest === undefined || backtest.requests > 0) return found
  const range = `from ${backtest.from.toISOString()} to ${backtest.to.toISOString()}`
  const advice = 'POST /optimize/backtest replays another range: give from and to, or days.'
  return withWarning(found, `The backtest says nothing: there are no requests ${range}. ${advice}`)
}

/** An endpoint of the model that is no endpoint any more says so. */
export function stated(
  found: RateLimitRecommendation,
  state: EndpointState | null,
  isMissing = false,
): StatedRecommendation {
  const isNoEndpoint = state === 'attack' || state === 'ignored'
  if (!isNoEndpoint || found.warnings.includes(whyNoLimit(state))) return { ...found, state, isMissing }
  return withWarning({ ...found, state, reasoning: whyNoLimit(state) }, whyNoLimit(state))
}

/** @throws ServiceError INVALID_REQUEST where one endpoint is to be saved that is too long */
export function assertKeepable(endpoint: string): void {
  if (!isTooLong(endpoint)) return
  const details = [{ field: 'endpoint', problem: 'is too long to be kept' }]
  throw new ServiceError('INVALID_REQUEST', `${TOO_LONG}. Leave out save, or the method.`, details)
}

/** @throws ServiceError INVALID_REQUEST */
export function endpointIn(endpoint: string | undefined): string {
  if (endpoint !== undefined) return endpoint
  const problem = 'is required; it may be left out with scope gateway-client only'
  throw new ServiceError('INVALID_REQUEST', `endpoint ${problem}.`, [{ field: 'endpoint', problem }])
}

function isTooLong(endpoint: string): boolean {
  return [...endpoint].length > MAX_PATTERN_LENGTH
}
