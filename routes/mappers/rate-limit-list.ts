import type { FastifyInstance } from 'fastify'
import { toClientLimits, toUnit } from './client-limits.js'

type RateLimitList = Awaited<ReturnType<FastifyInstance['optimization']['rateLimitList']>>

/** The recommended limits as HTTP has them. */
export function toRateLimitList({ generatedAt, tier, strategy, limits }: RateLimitList) {
  return {
    generated_at: generatedAt,
    tier,
    strategy,
    limits: limits.map(({ limit, longWindow, endpoint, method, path, scope, burst, policy, ...more }) => ({
      ...{ endpoint, method, path, scope, burst },
      ...(more.costs ? { cost_per_minute: limit } : { requests_per_minute: limit }),
      ...toUnit(more.costs),
      ...{ long_window: longWindow, ...toClientLimits(more), policy },
    })),
  }
}
