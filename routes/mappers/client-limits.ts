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
