import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { testService, type Answer, type Service } from '../service.js'

const PATIENT_FROM = 2 ** 20
const PATIENCE_MS = 1_000

export interface Question {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  url: string
  payload?: string | object
  headers?: Record<string, string>
}

export interface RawAnswer {
  statusCode: number
  headers: OutgoingHttpHeaders
  body: string
}

export interface ContractService
  extends Pick<Service, 'get' | 'put' | 'delete'>, Partial<Pick<Service, 'app'>> {
  post(url: string, body?: object, options?: Pick<Question, 'payload' | 'headers'>): Promise<Answer>
  ask(question: Question): Promise<RawAnswer>
  /** Where it listens. */
  address(): Promise<{ host: string; port: number }>
}

/** The service that the contract tests ask: one of their own or, with CONTRACT_URL, one that runs already. */
export async function contractService(t: Test): Promise<ContractService> {
  const running = process.env['CONTRACT_URL']
  return running === undefined ? ownService(t) : runningService(new URL(running))
}

async function ownService(t: Test): Promise<ContractService> {
  const { app } = await testService(t)
  const methods = withMethods({
    ask: (question) => app.inject(question),
    async address() {
      await app.listen({ host: '127.0.0.1', port: 0 })
      return { host: '127.0.0.1', port: (app.server.address() as AddressInfo).port }
    },
  })
  return { ...methods, app }
}

function runningService({ hostname: host, port }: URL): ContractService {
  return withMethods({
    async ask({ method, url, payload, headers = {} }) {
      const isText = typeof payload === 'string'
      const json = payload === undefined || isText ? {} : { 'content-type': 'application/json' }
      const body = isText ? payload : payload === undefined ? '' : JSON.stringify(payload)
      const length = { 'content-length': Buffer.byteLength(body) }
      const request = httpRequest({
        ...{ host, port, method, path: url, agent: false },
        headers: { ...json, ...length, ...headers },
      })
      const answered = once(request, 'response') as Promise<[IncomingMessage]>
      // As curl does: a body that will be refused for its length is not sent.
      if (body.length > PATIENT_FROM) {
        request.flushHeaders()
        const refused = await Promise.race([answered, delay(PATIENCE_MS)])
        if (refused === undefined) request.end(body)
      } else {
        request.end(body)
      }
      const [response] = await answered
      const answer = await text(response)
      request.destroy()
      return { statusCode: response.statusCode!, headers: response.headers, body: answer }
    },
    address: async () => ({ host, port: Number(port || 80) }),
  })
}

function withMethods({ ask, address }: Pick<ContractService, 'ask' | 'address'>): ContractService {
  const send = async (question: Question): Promise<Answer> => {
    const { statusCode, body } = await ask(question)
    return { status: statusCode, body: JSON.parse(body) as Answer['body'] }
  }
  return {
    ask,
    address,
    get: (url) => send({ method: 'GET', url }),
    put: (url, body) => send({ method: 'PUT', url, ...(body && { payload: body }) }),
    delete: (url) => send({ method: 'DELETE', url }),
    post: (url, body, options = {}) =>
      send({ method: 'POST', url, ...(body && { payload: body }), ...options }),
  }
}
