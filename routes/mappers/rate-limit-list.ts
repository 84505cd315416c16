import type { FastifyInstance } from 'fastify'

type RateLimitList = Awaited<ReturnType<FastifyInstance['optimization']['rateLimitList']>>

/** The recommended limits as HTTP has them. */
export function toRateLimitList({ generatedAt, tier, strategy, limits }: RateLimitList) {
  return {
    generated_at: generatedAt,
    tier,
    strategy,
    limits: limits.map(toLimit),
  }
}

function toLimit(entry: RateLimitList['limits'][number]) {
  const { limit, longWindow, endpoint, method, path, scope, burst, policy } = entry
  const { exceptions, failures, distinctPaths } = entry
  return {
    ...{ endpoint, method, path, scope, requests_per_minute: limit, burst },
    ...{ long_window: longWindow, failures, distinct_paths: distinctPaths, policy },
    exceptions: exceptions.map(({ reviewAt, ...own }) => ({ ...own, review_at: reviewAt })),
  }
}
