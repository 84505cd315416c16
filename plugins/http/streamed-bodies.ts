import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { bodyStream } from './body-stream.js'
import { ServiceError } from './errors.js'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Makes `request.body` of the routes of this scope the bytes as they arrive, without compression. Only for these
     * content types; a body of another one is refused.
     */
    acceptStreams(contentTypes: readonly string[]): void
  }
}

/** Bodies that a route reads by itself. */
export default fp(
  async (app) => {
    app.decorate('acceptStreams', function (this: FastifyInstance, contentTypes: readonly string[]) {
      this.removeAllContentTypeParsers()
      this.addContentTypeParser([...contentTypes], (request, payload, done) => {
        // A page in a browser can send text/plain anywhere without being asked for permission first.
        if (isPlainText(request.headers['content-type']) && request.headers.origin !== undefined) {
          return done(unsupported('text/plain of a browser', contentTypes))
        }
        done(null, bodyStream(request, payload))
      })
      this.addContentTypeParser('*', (request, _payload, done) =>
        done(unsupported(request.headers['content-type'] ?? 'none', contentTypes)),
      )
    })
  },
  { name: 'streamed-bodies', dependencies: ['envelope'] },
)

function isPlainText(contentType: string | undefined): boolean {
  return /^\s*text\/plain/i.test(contentType ?? '')
}

function unsupported(given: string, allowed: readonly string[]): ServiceError {
  const message = `The content type ${given.slice(0, 100)} is not supported; send ${allowed.join(', ')}.`
  return new ServiceError('UNSUPPORTED_MEDIA_TYPE', message)
}
