/** One endpoint of the synthetic gateway. */
export interface Endpoint {
  readonly method: string
  /** The raw path with `{number}`, `{uuid}` and `{word}` where each request has a value of its own. */
  readonly path: string
  readonly backend: string
  /** Share of the requests, relative to the others. */
  readonly weight: number
  /** Median of the latency in an ordinary minute, milliseconds, and the spread of its logarithm. */
  readonly medianMs: number
  readonly sigma: number
  /** How often it fails in ordinary traffic, relative to the others. */
  readonly failures: number
  /** Share of the successful answers that come out of the gateway's cache, 0…1. */
  readonly cached: number
  /** Usual size of an answer, bytes. */
  readonly bytes: number
}

type Row = [string, string, string, number, number, number, number, number, number]

const ROWS: readonly Row[] = [
  // method, path, backend, weight, median ms, sigma, failures, cached, bytes
  ['GET', '/api/products', 'catalogue', 16, 30, 0.4, 0.3, 0.5, 14_000],
  ['GET', '/api/products/{number}', 'catalogue', 22, 18, 0.45, 1.2, 0.4, 2400],
  ['GET', '/api/products/{number}/reviews', 'catalogue', 8, 34, 0.5, 0.8, 0.3, 5200],
  ['GET', '/api/search?q={word}', 'search', 12, 75, 0.6, 0.6, 0.1, 9800],
  ['GET', '/api/users/{number}', 'accounts', 9, 22, 0.4, 0.9, 0, 900],
  ['PUT', '/api/users/{number}', 'accounts', 1.5, 48, 0.45, 1.6, 0, 900],
  ['GET', '/api/carts/{uuid}', 'orders', 10, 20, 0.4, 0.5, 0, 1600],
  ['POST', '/api/carts/{uuid}/items', 'orders', 6, 38, 0.45, 1.3, 0, 400],
  ['DELETE', '/api/carts/{uuid}/items/{number}', 'orders', 1.5, 30, 0.4, 1.1, 0, 0],
  ['POST', '/api/orders', 'orders', 3, 95, 0.5, 1.8, 0, 1200],
  ['GET', '/api/orders/{uuid}', 'orders', 4, 26, 0.45, 0.7, 0, 1900],
  ['POST', '/api/payments', 'payments', 2.5, 180, 0.55, 2.5, 0, 600],
  ['POST', '/api/auth/login', 'accounts', 4, 85, 0.35, 4, 0, 700],
  ['GET', '/api/reports/{number}/export', 'reports', 0.5, 600, 0.7, 3, 0, 180_000],
]

/** What the synthetic gateway serves: quick reads, slow writes, one report that is slower than all. */
export const ENDPOINTS: readonly Endpoint[] = ROWS.map(
  ([method, path, backend, weight, medianMs, sigma, failures, cached, bytes]) => {
    return { method, path, backend, weight, medianMs, sigma, failures, cached, bytes }
  },
)
