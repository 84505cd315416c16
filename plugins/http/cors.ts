import cors from '@fastify/cors'
import fp from 'fastify-plugin'
import { ServiceError } from './errors.js'

/** How long a browser remembers the answer to a preflight request. */
const MAX_AGE_SECONDS = 600

/** Lets pages of the origins in CORS_ORIGINS call the service. Off unless some are given. */
export default fp(
  async (app) => {
    const { corsOrigins } = app.config
    if (corsOrigins.length === 0) return
    // @fastify/cors would answer without the envelope.
    app.addHook('onRequest', async ({ method, headers }) => {
      if (method !== 'OPTIONS' || (headers.origin && headers['access-control-request-method'])) return
      const message =
        'OPTIONS is for the preflight requests of browsers, with Origin and Access-Control-Request-Method.'
      throw new ServiceError('INVALID_REQUEST', message)
    })
    await app.register(cors, {
      origin: corsOrigins.includes('*') ? '*' : [...corsOrigins],
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
      exposedHeaders: [
        ...['content-disposition', 'location', 'retry-after', 'www-authenticate', 'x-request-id'],
        ...['ratelimit', 'ratelimit-policy', 'allow'],
      ],
      credentials: false, // a key is sent by the page that has it; no browser adds one by itself
      maxAge: MAX_AGE_SECONDS,
    })
  },
  { name: 'cors', dependencies: ['config', 'browser'] },
)
