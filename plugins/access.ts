import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { ANYBODY, assertAllowed, callerWith, NOBODY, type Access, type Caller } from './access/caller.js'
import { watchKeys, type Keys } from './access/keys.js'
import { endRefusedStreams } from './access/open-streams.js'
import { PROVIDER_TIMES, watchProviderKeys } from './access/provider-keys.js'
import { decorateRequests } from './access/request.js'
import { callerOfToken, looksLikeToken } from './access/tokens.js'
import { needsKey, type AccessConfig } from './config/access.js'
import { ServiceError } from './http/errors.js'

/**
 * Finds out who sends each request, before its body is read, and refuses those who may not. Without keys in the
 * configuration, everybody who reaches the service may do everything.
 */
export default fp(
  async (app) => {
    const { access } = app.config
    decorateRequests(app)
    if (!needsKey(access)) {
      app.addHook('onRequest', async (request) => {
        request.caller = ANYBODY
      })
      return
    }
    const keys = watchKeys(access, {
      onReload: (count) => app.log.info({ keys: count }, 'the API keys were read again'),
      onFailure: ({ message }) =>
        app.log.error(
          { reason: message },
          'the file of the API keys cannot be used; the keys before it stay',
        ),
    })
    const tokens = acceptedTokens(app, access)
    app.addHook('onClose', async () => keys.stop())
    const identify = (request: FastifyRequest) => callerOf(credentialOf(request), keys, tokens)
    endRefusedStreams(app, async (request) => assertAllowed(await identify(request), neededBy(request)))
    app.addHook('onRequest', async (request, reply) => {
      request.caller = NOBODY
      const needed = neededBy(request)
      if (needed === 'open') return
      try {
        request.caller = await identify(request)
      } catch (error) {
        const { code } = error as { code?: string }
        if (code !== 'UNAUTHENTICATED') throw error
        app.countWrongKey(request, reply)
        reply.header('www-authenticate', 'Bearer realm="aegis-ml"')
        throw error
      }
      assertAllowed(request.caller, needed)
    })
  },
  { name: 'access', dependencies: ['config', 'rate-limit'] },
)

/** Pages of the documentation have no operation, and neither has a path that is none. */
function neededBy({ routeOptions }: FastifyRequest): Access {
  return routeOptions.config.access ?? 'open'
}

/** A caller of a token; undefined for a text that is none. */
type Tokens = (text: string) => Promise<Caller> | undefined

function acceptedTokens(app: FastifyInstance, { tokens }: AccessConfig): Tokens {
  if (tokens === null) return () => undefined
  const provider = watchProviderKeys(tokens.jwksUrl, PROVIDER_TIMES, (error) =>
    app.log.warn({ err: error }, 'the keys of the identity provider cannot be fetched; those before stay'),
  )
  app.addHook('onClose', async () => provider.stop())
  return (text) => (looksLikeToken(text) ? callerOfToken(text, tokens, provider) : undefined)
}

async function callerOf(credential: string, keys: Keys, tokens: Tokens): Promise<Caller> {
  const found = keys.find(credential)
  if (found !== undefined) return callerWith(found)
  const caller = await tokens(credential)
  if (caller !== undefined) return caller
  throw new ServiceError('UNAUTHENTICATED', 'This key is not known. It may have been replaced or removed.')
}

function credentialOf({ headers }: FastifyRequest): string {
  const given = headers['x-api-key'] ?? bearerOf(headers.authorization)
  if (given !== undefined) return String(given)
  const message =
    'This needs a key. Send it as Authorization: Bearer KEY, or as X-API-Key: KEY. aegis-ml keys create makes one.'
  throw new ServiceError('UNAUTHENTICATED', message)
}

function bearerOf(authorization: string | undefined): string | undefined {
  return /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
}
