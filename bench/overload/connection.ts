import { connect, type Socket } from 'node:net'

/** An answer, as far as a load generator looks at it. */
export type OnAnswer = (status: number) => void

/** A connection that sends requests as soon as they are due. The answers come in the order of the requests. */
export interface Connection {
  /** How many requests wait for their answer. */
  readonly waiting: number
  send(onAnswer: OnAnswer): void
  close(): void
}

const HEAD_END = '\r\n\r\n'

/** @param onClose called when the server ends the connection; requests that wait get no answer */
export function openConnection(
  { host, port, localAddress }: { host: string; port: number; localAddress?: string },
  request: Buffer,
  onClose: (unanswered: number) => void = () => undefined,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true, ...(localAddress && { localAddress }) })
    const waiting: OnAnswer[] = []
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject).on('error', () => undefined)
      readAnswers(socket, (status) => waiting.shift()?.(status))
      resolve({
        get waiting() {
          return waiting.length
        },
        send(onAnswer) {
          waiting.push(onAnswer)
          socket.write(request)
        },
        close: () => void socket.destroy(),
      })
    })
    socket.once('close', () => onClose(waiting.length))
  })
}

/** Answers with a Content-Length; the bytes of their bodies are skipped. */
function readAnswers(socket: Socket, onAnswer: OnAnswer): void {
  let text = ''
  let skip = 0
  socket.on('data', (chunk: Buffer) => {
    if (skip >= chunk.length) return void (skip -= chunk.length)
    text += chunk.toString('latin1', skip)
    skip = 0
    for (;;) {
      const end = text.indexOf(HEAD_END)
      if (end < 0) return
      const status = Number(text.slice(9, 12))
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0)
      const next = end + HEAD_END.length + length
      skip = Math.max(0, next - text.length)
      text = text.slice(next)
      if (status >= 200) onAnswer(status)
    }
  })
}

/** A request in HTTP/1.1, with JSON or without a body. */
export function requestText(method: string, path: string, body?: unknown): Buffer {
  const json = body === undefined ? '' : JSON.stringify(body)
  const head = [
    `${method} ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    ...(json === '' ? [] : ['content-type: application/json', `content-length: ${Buffer.byteLength(json)}`]),
  ]
  return Buffer.from(`${head.join('\r\n')}${HEAD_END}${json}`)
}
