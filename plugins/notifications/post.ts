import { withTimeLimit } from '../../db/with-time-limit.js'
import { withoutSecrets } from './without-secrets.js'

/** What a receiver said to a request. */
export interface Answer {
  readonly isAccepted: boolean
  /** Null where there was no answer. */
  readonly status: number | null
  /** What is wrong, as the end of a sentence; null where nothing is. It names no address. */
  readonly problem: string | null
  /** The receiver wants no more requests. */
  readonly isGone: boolean
  /** How long the receiver asks to be left alone; null where it does not. */
  readonly waitSeconds: number | null
}

export interface Request {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const ANSWER_LIMIT_MS = 15_000
const MAX_READ_BYTES = 4_096
const MAX_SHOWN = 200
const MAX_WAIT_SECONDS = 3_600
const GONE = 410

/**
 * Posts a body once. Redirects are not followed, and of an answer no more than its beginning is read. What an answer repeats of
 * the address or the credentials is not shown.
 * @throws the reason of the signal, when it is aborted
 */
export async function post(
  request: Request,
  signal: AbortSignal,
  limitMs = ANSWER_LIMIT_MS,
): Promise<Answer> {
  const { url, headers, body } = request
  try {
    return await withTimeLimit(limitMs, signal, async (limited) =>
      answerOf(
        await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal: limited }),
        request,
      ),
    )
  } catch (error) {
    signal.throwIfAborted()
    const problem = reasonOf(error as Error, limitMs)
    return { isAccepted: false, status: null, problem, isGone: false, waitSeconds: null }
  }
}

async function answerOf(response: Response, request: Request): Promise<Answer> {
  const { status, ok } = response
  if (ok) {
    await response.body?.cancel().catch(() => undefined)
    return { isAccepted: true, status, problem: null, isGone: false, waitSeconds: null }
  }
  const isRedirect = status >= 300 && status < 400
  const said = isRedirect ? ', and redirects are not followed' : await beginningOf(response, request)
  const waitSeconds = secondsOf(response.headers.get('retry-after'))
  const problem = `it answered ${status}${said}`
  return { isAccepted: false, status, problem, isGone: status === GONE, waitSeconds }
}

/** What an answer says, as text; a body without an end is left after its beginning. */
async function beginningOf(response: Response, request: Request): Promise<string> {
  const pieces: Uint8Array[] = []
  let size = 0
  try {
    for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      pieces.push(piece)
      size += piece.length
      if (size >= MAX_READ_BYTES) break // which cancels the rest
    }
  } catch {
    // the status says enough
  }
  const text = withoutSecrets(Buffer.concat(pieces).toString(), request)
    .replace(/[^\x21-\x7e]+/g, ' ')
    .trim()
    .slice(0, MAX_SHOWN)
  return text === '' ? '' : `: ${text}`
}

function secondsOf(retryAfter: string | null): number | null {
  if (retryAfter === null || !/^\d{1,9}$/.test(retryAfter)) return null
  return Math.min(Number(retryAfter), MAX_WAIT_SECONDS)
}

/** In words that name no address. */
function reasonOf(error: Error, limitMs: number): string {
  if (error.name === 'TimeoutError') return `no answer within ${limitMs / 1000} s`
  const cause = error.cause as NodeJS.ErrnoException | undefined
  return cause?.code ?? 'the request failed'
}
