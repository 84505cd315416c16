import { randomUUID } from 'node:crypto'
import type { FastifyError, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import type { AuditAction, AuditResult } from '../../db/own/audit.js'
import { rolesOf } from '../access/caller.js'
import { summaryOf, summaryOfText } from '../audit/summary.js'
import { CALLER_CLOSED } from './closed-callers.js'
import { toServiceError } from './errors.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * Which requests of the route are entered in the audit log. By default, all of a route that only the roles operate
     * and admin may call, and that does not only read.
     */
    audit?: false | ((request: FastifyRequest) => boolean)
  }
}

/** What is known of a request that changes something. */
interface Attempt {
  readonly startedAt: Date
  readonly address: string | null
  /** Null until it is entered. */
  action: AuditAction | null
  code: string | null
}

const READING = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Enters each request that changes something in the audit log: before its work begins, and again before its answer is
 * sent. Other routes get no hooks. Requests that are refused because of who sends them are counted.
 */
export default fp(
  async (app) => {
    const attempts = new WeakMap<FastifyRequest, Attempt>()

    const onArrival = async (request: FastifyRequest): Promise<void> => {
      attempts.set(request, { startedAt: new Date(), address: addressOf(request), action: null, code: null })
    }
    const onWork = async (request: FastifyRequest): Promise<void> => {
      const attempt = attempts.get(request)
      const { audit } = request.routeOptions.config
      if (attempt === undefined) return
      if (typeof audit === 'function' && !audit(request)) return void attempts.delete(request)
      attempt.action = actionOf(request, attempt)
      await app.audit.begin(attempt.action)
    }
    const onFailure = async (request: FastifyRequest, _reply: FastifyReply, error: FastifyError) => {
      const attempt = attempts.get(request)
      if (attempt) attempt.code = toServiceError(error).code
    }
    const onAnswer = async (request: FastifyRequest, { statusCode }: FastifyReply, payload: unknown) => {
      const attempt = attempts.get(request)
      attempts.delete(request)
      // Whether a request that never reached its work would have changed something may not be known.
      const { audit } = request.routeOptions.config
      const isKnown =
        attempt?.action !== null || (typeof audit !== 'function' && statusCode !== CALLER_CLOSED)
      if (attempt && isKnown) {
        const action = attempt.action ?? actionOf(request, attempt)
        await app.audit.end(action, resultOf(statusCode, attempt.code), request.log)
      }
      return payload
    }

    app.addHook('onRoute', (route) => {
      if (!isAudited(route)) return
      // The hooks of access have passed when the body is about to be read.
      prepend(
        route,
        'preParsing',
        async (request: FastifyRequest, _reply: FastifyReply, payload: unknown) => {
          await onArrival(request)
          return payload
        },
      )
      prepend(route, 'preHandler', onWork)
      prepend(route, 'onError', onFailure)
      prepend(route, 'onSend', onAnswer)
    })
    app.addHook('onError', async (request, _reply, error) => {
      const { statusCode, code } = toServiceError(error)
      if (statusCode !== 401 && statusCode !== 403) return
      const { method, routeOptions, id: requestId } = request
      const route = routeOptions.url ?? null
      app.audit.noteRefusal({
        code,
        method,
        route,
        address: addressOf(request),
        caller: callerOf(request),
        requestId,
      })
    })
  },
  { name: 'audited', dependencies: ['access'] },
)

/** Adds a hook of a route before those that it has. */
function prepend(
  route: RouteOptions,
  name: 'preParsing' | 'preHandler' | 'onError' | 'onSend',
  hook: unknown,
): void {
  const hooks = [hook, ...[route[name] ?? []].flat()]
  Object.assign(route, { [name]: hooks })
}

/** Null too for a request that was refused before its caller was looked for. */
function callerOf({ caller }: { readonly caller: FastifyRequest['caller'] | undefined }): string | null {
  return caller?.name ?? null
}

function isAudited({ method, config }: RouteOptions): boolean {
  if ([method].flat().every((each) => READING.has(each))) return false
  if (config?.audit !== undefined) return config.audit !== false
  return rolesOf(config?.access ?? 'open').some((role) => role === 'operate' || role === 'admin')
}

function resultOf(status: number, code: string | null): AuditResult {
  if (status < 400) return { outcome: 'done', status, code: null }
  return { outcome: status < 500 ? 'refused' : 'failed', status, code }
}

/** A connection that has closed has no address any more. */
function addressOf({ ip }: { readonly ip: string | undefined }): string | null {
  return ip ?? null
}

function actionOf(request: FastifyRequest, { startedAt: at, address }: Attempt): AuditAction {
  const { caller, routeOptions, params, headers } = request
  const { access = 'open' } = routeOptions.config
  return {
    key: randomUUID(),
    at,
    actor: caller.name === null ? 'anonymous' : 'key',
    caller: caller.name,
    role: rolesOf(access).find((role) => caller.roles.has(role)) ?? null,
    operation: routeOptions.schema?.operationId ?? `${request.method} ${routeOptions.url}`,
    target: filled(summaryOf(params)),
    input: inputOf(request),
    address,
    forwardedFor: textOf(headers['x-forwarded-for']),
    userAgent: textOf(headers['user-agent']),
    requestId: request.id,
  }
}

function inputOf({ query, body }: FastifyRequest): Record<string, unknown> | null {
  const sent = { ...(query as object), ...(isObject(body) ? body : {}) }
  return filled(summaryOf(sent))
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function filled(summary: unknown): Record<string, unknown> | null {
  return isObject(summary) && Object.keys(summary).length > 0 ? (summary as Record<string, unknown>) : null
}

function textOf(header: string | string[] | undefined): string | null {
  return header === undefined ? null : summaryOfText([header].flat().join(', '))
}
