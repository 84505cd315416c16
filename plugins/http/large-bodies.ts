import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { ArrivingBody } from './arriving-body.js'
import { bodyTooLarge, ServiceError } from './errors.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Large JSON bodies of this route are answered by the worker threads of `fastify.batchWorkers`. */
    largeBodies?: 'in workers'
  }
}

/** Larger bodies, and those with more objects, take more than some milliseconds. */
const MAX_INLINE_BYTES = 64 * 1024
const MAX_INLINE_OBJECTS = 256

/** While others wait: how long a body may take to arrive, and how long a part of an answer to be read. */
const MAX_ARRIVAL_MS = 5_000
const MAX_STALL_MS = 10_000
const CHECK_MS = 1_000

/** Bytes of an answer that are written at a time. */
const PART = 256 * 1024

/**
 * Answers the large requests of the routes that ask for it. Small ones go on to the route. So do all of them where there
 * are no worker threads: in a worker thread itself.
 */
export default fp(
  async (app) => {
    app.addHook('onRoute', (route) => {
      if (route.config?.largeBodies === undefined) return
      route.preParsing = (request, reply, payload, done) => {
        if (!app.hasDecorator('batchWorkers') || !isJson(request)) return done(null, payload)
        const body = new ArrivingBody(payload as Readable, request.routeOptions.bodyLimit)
        passOn(app, request, reply, body).then(
          (isAnswered) => isAnswered || done(null, body.stream()),
          (error: Error) => done(error),
        )
      }
    })
  },
  { name: 'large-bodies', dependencies: ['errors', 'envelope', 'request-counts'] },
)

function isJson({ headers }: FastifyRequest): boolean {
  return headers['content-type']?.split(';', 1)[0]!.trim().toLowerCase() === 'application/json'
}

/** @returns whether the request was large, and has been answered */
async function passOn(
  app: FastifyInstance,
  request: FastifyRequest,
  reply: FastifyReply,
  body: ArrivingBody,
): Promise<boolean> {
  const place = new Place(app, reply)
  try {
    if (!(await isLarge(request, body, place))) return false
  } catch (error) {
    if (place.signal.aborted || !hasLength(request)) reply.header('connection', 'close')
    else await body.discard()
    place.leave()
    throw error
  }
  const headers = { 'content-type': 'application/json', 'x-request-id': request.id }
  const asked = { url: request.url, headers, caller: request.caller, body: body.bytes() }
  const { statusCode, contentType, body: answer } = await app.batchWorkers.answer(asked, place.signal)
  if (statusCode >= 400) app.requestCounts.addFailure(codeOf(answer)) // the thread counts for itself
  reply.code(statusCode).type(contentType).header('content-length', answer.length)
  reply.send(Readable.from(place.parts(answer)))
  return true
}

function codeOf(failure: Uint8Array): string {
  return (JSON.parse(Buffer.from(failure).toString()) as { code: string }).code
}

/** Whether the length of the body is known, and allowed. */
function hasLength({ headers, routeOptions }: FastifyRequest): boolean {
  return Number(headers['content-length'] ?? NaN) <= routeOptions.bodyLimit
}

/** Reads the body. A large one gets a place first. @returns whether it is large */
async function isLarge(request: FastifyRequest, body: ArrivingBody, place: Place): Promise<boolean> {
  const { bodyLimit } = request.routeOptions
  const length = Number(request.headers['content-length'] ?? 0)
  if (length > bodyLimit) throw bodyTooLarge(bodyLimit)
  if (length > MAX_INLINE_BYTES) await place.take()
  const isWhole = await body.read(MAX_INLINE_BYTES, place.signal)
  if (isWhole && body.objects <= MAX_INLINE_OBJECTS) return false
  await place.take()
  if (!isWhole) await body.read(bodyLimit, place.signal)
  place.hasArrived()
  return true
}

/** The place of a request among those that are held in memory. Slow callers lose it while others wait. */
class Place {
  readonly #ending = new AbortController()
  #leave: (() => void) | undefined
  #check: NodeJS.Timeout | undefined
  #state: 'arriving' | 'judged' | 'answered' = 'arriving'
  #sinceMs = 0

  constructor(
    private readonly app: FastifyInstance,
    private readonly reply: FastifyReply,
  ) {
    const end = () => this.leave()
    const { socket } = reply.request.raw
    reply.raw.once('close', end).once('close', () => socket.off('close', end))
    // An answer that waits for the one before it on its connection does not hear of its end.
    if (socket.destroyed) end()
    else socket.once('close', end)
  }

  leave(): void {
    this.#ending.abort(CALLER_GONE)
    clearInterval(this.#check)
    this.#leave?.()
    this.#leave = undefined
  }

  /** Aborted when the caller is gone or too slow. */
  get signal(): AbortSignal {
    return this.#ending.signal
  }

  async take(): Promise<void> {
    if (this.#leave) return
    const leave = await this.app.batchWorkers.enter(this.signal)
    if (this.signal.aborted) leave()
    this.signal.throwIfAborted()
    this.#leave = leave
    this.#sinceMs = performance.now()
    this.#check = setInterval(() => this.#loseIfSlow(), CHECK_MS)
  }

  hasArrived(): void {
    this.#state = 'judged'
  }

  *parts(answer: Uint8Array): Generator<Uint8Array, void> {
    this.#state = 'answered'
    for (let start = 0; start < answer.length; start += PART) {
      this.#sinceMs = performance.now()
      yield answer.subarray(start, start + PART)
    }
  }

  #loseIfSlow(): void {
    if (!this.app.batchWorkers.isAwaited) return
    const ms = performance.now() - this.#sinceMs
    if (this.#state === 'arriving' && ms > MAX_ARRIVAL_MS) this.#ending.abort(tooSlow())
    if (this.#state === 'answered' && ms > MAX_STALL_MS) this.reply.raw.destroy()
  }
}

const CALLER_GONE = new ServiceError('INVALID_REQUEST', 'The caller closed the connection.')

function tooSlow(): ServiceError {
  const message = `Others wait, and the body did not arrive within ${MAX_ARRIVAL_MS / 1000} seconds. Send it again, or fewer rows at a time.`
  return new ServiceError('REQUEST_TIMEOUT', message)
}
