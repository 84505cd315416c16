import type { FastifyInstance } from 'fastify'
import type { Caller } from './caller.js'
import { sourceFor } from './sources.js'

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller
    /**
     * The source of a report: the one that it names, or the only one of its caller; undefined for the usual one.
     * @param usual default: `default`
     * @throws ServiceError FORBIDDEN for a source that the caller may not report
     */
    sourceFor(named: string | undefined, usual?: string): string | undefined
  }
}

/** What routes know of the caller. A hook sets `caller` before them. */
export function decorateRequests(app: FastifyInstance): void {
  app.decorateRequest('caller')
  app.decorateRequest('sourceFor', function (named, usual = 'default') {
    return sourceFor(this.caller, named, usual)
  })
}
