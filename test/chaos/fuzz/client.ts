import { request as httpRequest, type Agent, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { FuzzRequest } from './request.js'

export interface FuzzAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** Far longer than any answer takes: who is silent for longer, hangs. */
const LIMIT_MS = 60_000
/** An event stream has no end: its beginning is enough. */
const STREAM_MS = 100

/** Sends a request over HTTP. @throws when there is no answer */
export function send(url: URL, agent: Agent, request: FuzzRequest): Promise<FuzzAnswer> {
  const { method, url: path, headers, body } = request
  const length = body === undefined || 'transfer-encoding' in headers ? {} : { 'content-length': body.length }
  return new Promise((resolve, reject) => {
    const { hostname: host, port } = url
    const sending = httpRequest({ host, port, method, path, agent, headers: { ...length, ...headers } })
    sending.setTimeout(LIMIT_MS, () => sending.destroy(new Error(`no answer within ${LIMIT_MS / 1000} s`)))
    sending.on('error', reject)
    sending.on('response', (response) => {
      collect(response).then((body) => {
        resolve({ status: response.statusCode!, headers: response.headers, body })
      }, reject)
    })
    sending.end(body)
  })
}

async function collect(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  const isStream = response.headers['content-type']?.startsWith('text/event-stream')
  const timer = isStream ? setTimeout(() => response.destroy(), STREAM_MS) : undefined
  try {
    for await (const chunk of response) chunks.push(chunk as Buffer)
  } catch (error) {
    if (!isStream) throw error
  } finally {
    clearTimeout(timer)
  }
  return Buffer.concat(chunks)
}
