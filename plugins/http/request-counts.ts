import type { FastifyInstance, FastifyReply, onResponseHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import { Histogram } from '../metrics/histogram.js'

/** Upper bounds of the classes of durations, in seconds. */
const DURATION_BOUNDS = [0.001, 0.005, 0.025, 0.1, 0.25, 1, 5, 30]

/** The answers of a route to a method. */
export class RouteCounts {
  /** By HTTP status. */
  readonly codes = new Map<number, number>()
  /** How long they took. */
  readonly durations = new Histogram(DURATION_BOUNDS)

  constructor(
    /** The template of its path, or `unknown`. */
    readonly route: string,
    readonly method: string,
  ) {}

  /** @param seconds null for an event stream: how long somebody listens is no latency */
  add(code: number, seconds: number | null): void {
    this.codes.set(code, (this.codes.get(code) ?? 0) + 1)
    if (seconds !== null) this.durations.observe(seconds)
  }
}

/** What was asked and answered since the start. */
export interface RequestCounts {
  /** Of the routes that were asked. */
  routes(): Iterable<RouteCounts>
  /** Failures by their code. */
  readonly failures: ReadonlyMap<string, number>
  addFailure(code: string): void
}

declare module 'fastify' {
  interface FastifyInstance {
    requestCounts: RequestCounts
  }
}

/** The methods of requests that belong to no route; others are `other`. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** Fewer answers that take so long are event streams than not: only these are looked at. */
const MIN_STREAM_MS = 500

/**
 * `fastify.requestCounts`. It counts each answer, for some ten nanoseconds. A path that has no route is counted as
 * `unknown`: the paths that somebody tries make no new entries.
 */
export default fp(
  async (app) => {
    const routes: RouteCounts[] = []
    const unknown = new Map<string, RouteCounts>()
    const failures = new Map<string, number>()
    const counting = new WeakSet<object>()
    const newCounts = (route: string, method: string): RouteCounts => {
      const counts = new RouteCounts(route, method)
      routes.push(counts)
      return counts
    }

    app.addHook('onRoute', (route) => {
      const methods = [route.method].flat()
      const counts = new Map(methods.map((method) => [method, newCounts(route.url, method)]))
      const hook: onResponseHookHandler = (request, reply, done) => {
        counts.get(request.method)?.add(reply.statusCode, secondsOf(reply))
        done()
      }
      counting.add(hook)
      // A HEAD route begins as a copy of its GET, with the hook of that one.
      const others = [route.onResponse ?? []].flat().filter((each) => !counting.has(each))
      route.onResponse = [...others, hook]
    })
    app.addHook('onResponse', (request, reply, done) => {
      if (request.is404) {
        const method = METHODS.has(request.method) ? request.method : 'other'
        let counts = unknown.get(method)
        if (!counts) unknown.set(method, (counts = newCounts('unknown', method)))
        counts.add(reply.statusCode, secondsOf(reply))
      }
      done()
    })
    app.decorate('requestCounts', {
      routes: () => routes.filter(({ codes }) => codes.size > 0),
      failures,
      addFailure: (code) => void failures.set(code, (failures.get(code) ?? 0) + 1),
    } satisfies FastifyInstance['requestCounts'])
  },
  { name: 'request-counts' },
)

function secondsOf(reply: FastifyReply): number | null {
  const ms = reply.elapsedTime
  const isStream =
    ms > MIN_STREAM_MS && String(reply.getHeader('content-type')).startsWith('text/event-stream')
  return isStream ? null : ms / 1000
}
