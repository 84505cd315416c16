import type { FastifyInstance } from 'fastify'

type Answered = Awaited<ReturnType<FastifyInstance['optimization']['recommend']>>
type ClientLimits = Pick<Answered, 'dayWindow' | 'failures' | 'distinctPaths' | 'exceptions'>

/** What a limit of clients has beside its number, as HTTP has it. */
export function toClientLimits({ dayWindow, failures, distinctPaths, exceptions }: Partial<ClientLimits>) {
  return {
    day_window: dayWindow ?? null,
    failures: failures ?? null,
    distinct_paths: distinctPaths ?? null,
    exceptions: (exceptions ?? []).map(({ reviewAt, ...rest }) => ({ ...rest, review_at: reviewAt })),
  }
}

/** What a limit counts, as HTTP has it. */
export function toUnit(costs: Answered['costs'] | undefined) {
  if (!costs) return { unit: 'requests' as const }
  const weights = [...costs.weights].map(([endpoint, weight]) => ({ endpoint, weight }))
  return { unit: 'latency_ms' as const, weights, default_weight: costs.defaultWeight }
}
