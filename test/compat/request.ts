/** A request of the old service's contract. */
export interface OldRequest {
  readonly method: string
  readonly path: string
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent as it is. */
  readonly text?: string
  /** The content type; null sends none. */
  readonly type?: string | null
  readonly headers?: Readonly<Record<string, string>>
}

/** The name of the recorded answer, and the request. */
export type Named = readonly [name: string, request: OldRequest]

type Options = Partial<Pick<OldRequest, 'type' | 'text' | 'headers'>>

export const post = (path: string, body?: unknown, options: Options = {}): OldRequest => {
  return { method: 'POST', path, ...(body !== undefined && { body }), ...options }
}

export const get = (path: string, options: Options = {}): OldRequest => ({ method: 'GET', path, ...options })

/** The same route with other bodies: the names are those of the bodies, after the prefix. */
export function withBodies(path: string, prefix: string, bodies: Readonly<Record<string, unknown>>): Named[] {
  return Object.entries(bodies).map(([name, body]) => [`${prefix} ${name}`, post(path, body)])
}

/** Without a body, with and without a content type. */
export function withoutBody(path: string, prefix: string): Named[] {
  return [
    [`${prefix} no body`, post(path)],
    [`${prefix} bare`, post(path, undefined, { type: null })],
  ]
}

/** A quiet minute. */
export const QUIET = {
  requests_per_second: 12,
  avg_latency_ms: 60,
  p95_latency_ms: 150,
  p99_latency_ms: 250,
  error_rate: 0.02,
}

const MINUTE_MS = 60_000

/** The start of a minute, so many before the present one. */
export function minutesAgo(minutes: number): string {
  return new Date((Math.floor(Date.now() / MINUTE_MS) - minutes) * MINUTE_MS).toISOString()
}
