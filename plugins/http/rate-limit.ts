import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { clientAddress, clientNetwork } from '../../models/traffic/client-address.js'
import { needsKey } from '../config/access.js'
import { isLocal } from '../config/callers.js'
import { ServiceError } from './errors.js'
import { createBuckets, type Token } from './rate-limit/buckets.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A probe: answered however much is asked. */
    isProbe?: true
  }
  interface FastifyInstance {
    /** Counts a request whose key is not known against its address. @throws ServiceError RATE_LIMITED */
    countWrongKey(request: FastifyRequest, reply: FastifyReply): void
  }
}

/** Of callers whose buckets are kept. */
const MAX_CALLERS = 10_000

/** How many wrong keys an address may send in a minute. */
const MAX_WRONG_KEYS = 20

/**
 * Limits what a caller sends: RATE_LIMIT requests a minute with a key or, without one, from an address. An address may try
 * a number of wrong keys; known ones work from there all the same, so nobody is locked out by others at his address.
 * Callers on this machine without a key have no limit. The headers are those of
 * draft-ietf-httpapi-ratelimit-headers-10.
 *
 * To be registered before the access: an address without a key is counted before it is refused.
 */
export default fp(
  async (app) => {
    const { access, callers, ipv6Prefix } = app.config
    const limit = callers.rateLimit
    const buckets = limit === null ? null : createBuckets(limit, MAX_CALLERS)
    const guesses = createBuckets(MAX_WRONG_KEYS, MAX_CALLERS)
    // A connection that has closed has no address any more.
    const hostOf = ({ ip = 'closed' }: { readonly ip: string | undefined }) => clientAddress(ip) ?? ip
    const addressOf = (request: FastifyRequest) => clientNetwork(hostOf(request), ipv6Prefix)
    // A proxy elsewhere may name an address of its own machine.
    const isOfThisMachine = (request: FastifyRequest) =>
      isLocal(hostOf(request)) && isLocal(hostOf({ ip: request.raw.socket.remoteAddress }))

    const count = (caller: string, request: FastifyRequest, reply: FastifyReply): void => {
      if (buckets === null) return
      const token = buckets.take(caller, performance.now())
      reply.header('ratelimit-policy', `"default";q=${limit!};w=60`)
      reply.header('ratelimit', `"default";r=${token.remaining};t=${token.fullAfterSec}`)
      if (token.isAllowed) return
      const whose = caller.startsWith('key ') ? 'this key' : 'this address'
      refuse(request, reply, token, `${limit!} requests a minute are allowed for ${whose}.`)
    }
    const countAddress = (request: FastifyRequest, reply: FastifyReply): void => {
      if (!isOfThisMachine(request)) count(`address ${addressOf(request)}`, request, reply)
    }

    app.decorate('countWrongKey', (request: FastifyRequest, reply: FastifyReply) => {
      if (keyOf(request) === undefined) return
      const guess = guesses.take(addressOf(request), performance.now())
      if (!guess.isAllowed) refuse(request, reply, guess, 'Many unknown keys have come from this address.')
    })
    if (!needsKey(access)) {
      app.addHook('onRequest', (request, reply, done) => {
        countAddress(request, reply)
        done()
      })
      return
    }
    app.addHook('onRequest', (request, reply, done) => {
      if (keyOf(request) === undefined) countAddress(request, reply)
      done()
    })
    // After the hook that finds out who calls, and before the body is read.
    app.addHook('preParsing', (request, reply, _payload, done) => {
      if (keyOf(request) === undefined) return done()
      const { name } = request.caller
      if (name === null) countAddress(request, reply)
      else count(`key ${name}`, request, reply)
      done()
    })
  },
  { name: 'rate-limit', dependencies: ['config'] },
)

function keyOf({ headers }: FastifyRequest): string | undefined {
  return [headers['x-api-key']].flat()[0] ?? headers.authorization
}

/** @throws ServiceError RATE_LIMITED, except for a probe */
function refuse(
  { routeOptions }: FastifyRequest,
  reply: FastifyReply,
  { retryAfterSec }: Token,
  why: string,
): void {
  if (routeOptions.config.isProbe) return
  reply.header('retry-after', String(retryAfterSec))
  throw new ServiceError('RATE_LIMITED', `${why} Try again in ${retryAfterSec} s.`)
}
