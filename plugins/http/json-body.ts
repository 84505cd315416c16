import type { FastifyInstance, FastifyRequest } from 'fastify'
import { parse } from 'secure-json-parse'
import { JsonBounds, JsonBoundsError } from '../../formats/json/bounds.js'
import { ServiceError } from './errors.js'

/**
 * JSON bodies; an empty one, of whatever content type, is no body. What is nested or wide beyond all use is refused
 * before it is parsed. Keys that would reach an object's prototype are refused, and a number that JSON does not have
 * (NaN, Infinity) is named with its field.
 */
export function parseJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    let value: unknown
    try {
      withinBounds(() => new JsonBounds().push(body))
      value = parseJson(body.toString('utf8'))
    } catch (error) {
      return done(error as Error)
    }
    done(null, value)
  })
  app.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0) return done(null, undefined)
    done(unsupportedMediaType(request))
  })
}

/**
 * What checks the bounds of a body.
 * @throws ServiceError INVALID_REQUEST for a JsonBoundsError
 */
export function withinBounds(check: () => void): void {
  try {
    check()
  } catch (error) {
    if (!(error instanceof JsonBoundsError)) throw error
    const { message: problem } = error
    throw new ServiceError('INVALID_REQUEST', `The body ${problem}; no more are allowed.`, [
      { field: 'body', problem },
    ])
  }
}

function parseJson(text: string): unknown {
  if (text.trim() === '') return undefined
  try {
    return parse(text, null, { protoAction: 'error', constructorAction: 'error' })
  } catch (error) {
    throw new ServiceError('INVALID_JSON', explainJsonError(text, error))
  }
}

function unsupportedMediaType(request: FastifyRequest): ServiceError {
  const type = request.headers['content-type'] ?? 'none'
  const message = `The content type ${type.slice(0, 100)} is not supported; send application/json.`
  return new ServiceError('UNSUPPORTED_MEDIA_TYPE', message)
}

/**
 * Why the parser refused the body, or a part of it that has a name.
 * @param error what the parser threw; undefined for a key that is not allowed
 */
export function explainJsonError(text: string, error: unknown, name?: string): string {
  const subject = name ?? 'The body'
  if (error === undefined || (error as Error).message === FORBIDDEN_KEY) {
    return `${subject} holds a key that is not allowed: __proto__, or constructor with prototype in it. Remove it.`
  }
  const notFinite = /"([^"\\]{1,100})"\s*:\s*([-+]?(?:NaN|Infinity))\b/.exec(text)
  if (notFinite) {
    const field = name === undefined ? notFinite[1] : `${name}: ${notFinite[1]}`
    return `${field} is ${notFinite[2]}, which JSON does not have; allowed is a finite number.`
  }
  return `${subject} is not valid JSON: ${(error as Error).message.replace(/\s+/g, ' ').slice(0, 200)}.`
}

/** The message of secure-json-parse, which has no code for it. */
const FORBIDDEN_KEY = 'Object contains forbidden prototype property'
