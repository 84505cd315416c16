import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Test } from 'tap'
import type { Input, Metrics } from '@aegis/ml-client'

export interface ReportingService {
  readonly url: string
  readonly port: number
  readonly reports: Metrics[]
  readonly batches: Input<'ingestRequests'>[]
  /** Paths in the order in which they were asked for. */
  readonly asked: string[]
  /** How many requests wait for the end of their answer. */
  open(): number
  /** Answers instead; undefined for the usual answers. */
  misbehave: ((request: IncomingMessage, response: ServerResponse) => unknown) | undefined
  close(): Promise<void>
}

export const VERDICT = { anomaly: false, normalized_score: 0.1, streak: 0, explanation: 'Usual.' }

/** Stands where the service stands, to be told and to fail as a test needs it. */
export async function reportingService(t: Test, port = 0): Promise<ReportingService> {
  const sockets = new Set<Socket>()
  let open = 0
  const answerRequest = async (request: IncomingMessage, response: ServerResponse) => {
    service.asked.push(request.url!)
    open++
    response.once('close', () => open--)
    if (service.misbehave) return void service.misbehave(request, response)
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const body: unknown = text === '' ? {} : JSON.parse(text)
    if (request.url === '/detect') service.reports.push(body as Metrics)
    if (request.url === '/ingest/requests') service.batches.push(body as Input<'ingestRequests'>)
    const answer = { success: true, data: VERDICT, timestamp: new Date().toISOString() }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  }
  const server = createServer((request, response) => void answerRequest(request, response))
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const listening = (server.address() as AddressInfo).port
  const service: ReportingService = {
    url: `http://127.0.0.1:${listening}`,
    port: listening,
    reports: [],
    batches: [],
    asked: [],
    open: () => open,
    misbehave: undefined,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
  t.teardown(() => service.close())
  return service
}
