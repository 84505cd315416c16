import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ServiceError } from './errors.js'

/**
 * JSON bodies; an empty one, of whatever content type, is no body. Keys that would reach an object's
 * prototype are refused, and a number that JSON does not have (NaN, Infinity) is named with its field.
 */
export function parseJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.trim() === '') return done(null, undefined)
    void parse(request, body, (error, value) => {
      if (error) done(new ServiceError('INVALID_JSON', explainJsonError(body)))
      else done(null, value)
    })
  })
  app.addContentTypeParser<string>('*', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') return done(null, undefined)
    done(unsupportedMediaType(request))
  })
}

function unsupportedMediaType(request: FastifyRequest): ServiceError {
  const type = request.headers['content-type'] ?? 'none'
  const message = `The content type ${type.slice(0, 100)} is not supported; send application/json.`
  return new ServiceError('UNSUPPORTED_MEDIA_TYPE', message)
}

/** Why the parser refused the body, or a part of it that has a name. */
export function explainJsonError(text: string, name?: string): string {
  const subject = name ?? 'The body'
  const notFinite = /"([^"\\]{1,100})"\s*:\s*([-+]?(?:NaN|Infinity))\b/.exec(text)
  try {
    JSON.parse(text)
  } catch (error) {
    if (notFinite) {
      const field = name === undefined ? notFinite[1] : `${name}: ${notFinite[1]}`
      return `${field} is ${notFinite[2]}, which JSON does not have; allowed is a finite number.`
    }
    return `${subject} is not valid JSON: ${(error as Error).message.replace(/\s+/g, ' ').slice(0, 200)}.`
  }
  return `${subject} holds a key that is not allowed: __proto__, or constructor with prototype in it. Remove it.`
}
