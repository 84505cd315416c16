import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.js'
import { isCrossSite } from './cross-site.js'
import { ServiceError } from './errors.js'
import { createHostList, hostNameOf } from './host-names.js'
import { SECURITY_HEADERS } from './security-headers.js'

/** What probes ask. Their answers tell nothing but that the service is there. */
const PROBES: ReadonlySet<string | undefined> = new Set(['/health/live', '/health/ready'])

/**
 * The content security policy of our own pages: everything comes from this service, and there is no code in a page. The
 * hash is that of the one style that Swagger UI writes into its page.
 */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

/** How many refusals are logged as warnings, each with another text. */
const MAX_WARNINGS = 20

/**
 * Keeps the pages of other origins away from the service. Any page can send requests to the addresses that its
 * reader's machine reaches, and a name that points there makes the page look like one of the service (DNS rebinding).
 */
export default fp(
  async (app) => {
    app.addHook('onRequest', async (_request, reply) => {
      reply.headers(SECURITY_HEADERS)
    })
    const { corsOrigins } = app.config
    const isOurs = createHostList(hostNames(app.config))
    const publicOrigin = originOf(app.config.notifications.publicUrl)
    const isListed = (origin: string) =>
      corsOrigins.includes('*') || corsOrigins.includes(origin) || origin === publicOrigin
    const warn = createWarnings(app)
    app.addHook('onRequest', async (request) => {
      if (PROBES.has(request.routeOptions.url)) return
      const refusal = refusalOfHost(request, isOurs) ?? refusalOfSite(request, isListed)
      if (refusal === undefined) return
      warn(refusal)
      throw refusal
    })
  },
  { name: 'browser', dependencies: ['config'] },
)

function hostNames({ host, publicHosts, notifications }: Config): string[] {
  const { publicUrl } = notifications
  return [...publicHosts, host.toLowerCase(), ...(publicUrl === null ? [] : [new URL(publicUrl).hostname])]
}

function originOf(url: string | null): string | undefined {
  return url === null ? undefined : new URL(url).origin
}

/** HTTP/1.0 knows no Host, and no browser speaks it. A target with an authority (http://host/path) has a second name. */
function refusalOfHost(
  { raw, headers }: FastifyRequest,
  isOurs: (host: string) => boolean,
): ServiceError | undefined {
  if (countHosts(raw.rawHeaders) > 1) {
    return new ServiceError('INVALID_REQUEST', 'The request has several Host headers; allowed is one.')
  }
  const [, authority] = /^[a-z]+:\/\/([^/?#]*)/i.exec(raw.url!) ?? []
  for (const given of [headers.host, authority]) {
    if (given === undefined) continue
    const name = hostNameOf(given)
    if (name !== null && isOurs(name)) continue
    const shown = JSON.stringify(given.slice(0, 100))
    const message = `The host ${shown} is not known as a name of this service. Add the name to PUBLIC_HOSTS where the service runs, or use an IP address.`
    return new ServiceError('HOST_NOT_ALLOWED', message)
  }
  return undefined
}

/** Node.js keeps the first of several. */
function countHosts(rawHeaders: readonly string[]): number {
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!
    if (name.length === 4 && name.toLowerCase() === 'host') count++
  }
  return count
}

function refusalOfSite(
  request: FastifyRequest,
  isListed: (origin: string) => boolean,
): ServiceError | undefined {
  if (!isCrossSite(request, isListed)) return undefined
  const { origin = 'another origin' } = request.headers
  const message = `A page of ${origin.slice(0, 100)} may not call this service. To allow it, add its origin to CORS_ORIGINS where the service runs.`
  return new ServiceError('CROSS_SITE', message)
}

/** Logs each text once, and so many of them: whoever sends requests chooses the texts. */
function createWarnings({ log }: FastifyInstance): (refusal: ServiceError) => void {
  const logged = new Set<string>()
  return ({ code, message }) => {
    if (logged.has(message) || logged.size >= MAX_WARNINGS) return
    logged.add(message)
    log.warn({ code }, message)
  }
}
