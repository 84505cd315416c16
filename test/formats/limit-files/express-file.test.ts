import { EventEmitter } from 'node:events'
import t from 'tap'
import type { RateLimitEntry } from '../../../formats/limit-files/limit-entry.js'
import { rateLimitFile } from '../../../formats/limit-files/limit-file.js'
import { ENTRIES, entry, entryOf, HEAD, LOG, rejectedBy } from './limit-requests.js'

interface Request {
  readonly method: string
  readonly path: string
  readonly ip: string
  readonly user?: string
}

type Middleware = (request: Request, response: EventEmitter, next: () => void) => void

interface Options {
  readonly enforce?: boolean
  userOf?(request: Request): string | undefined
  onLimited?(request: Request, endpoint: string): void
}

class Response extends EventEmitter {
  statusCode = 200
  setHeader(): void {
    // nothing is sent
  }
  end(): void {
    this.emit('finish')
  }
}

async function limiterOf(entries: readonly RateLimitEntry[], options: Options = {}) {
  const text = rateLimitFile('express', entries, HEAD)
  const module = (await import(`data:text/javascript,${encodeURIComponent(text)}`)) as {
    limitRequests(options: Options): Middleware
  }
  const middleware = module.limitRequests({ enforce: true, onLimited: () => undefined, ...options })
  /** @returns the status */
  return (path: string, more: Partial<Request> = {}, status = 200): number => {
    const response = new Response()
    middleware({ method: 'GET', path, ip: '10.0.0.1', ...more }, response, () => {
      response.statusCode = status
      response.end()
    })
    return response.statusCode
  }
}

/** Express ignores case and the last slash where no path is listed with its own; the longest of these counts. */
const asRouted = (target: string): string => {
  const path = target.split('?', 1)[0]!
  const found = entryOf({ method: 'GET', target: path })
  if (found && found.path !== 'other') return path
  const lower = path.toLowerCase().replace(/(?<=.)\/$/, '')
  const isListed = (target: string) => (entryOf({ method: 'GET', target })?.path ?? 'other') !== 'other'
  return [`${lower}/`, lower].find(isListed) ?? path
}

t.test('the middleware rejects the requests that the backtest rejects', async (t) => {
  const ask = await limiterOf(ENTRIES)
  const statuses = LOG.map(({ method, target, client }) =>
    ask(target.split('?', 1)[0]!, { method, ip: client }),
  )
  const routed = LOG.map((request) => ({ ...request, target: asRouted(request.target) }))
  t.strictSame(
    statuses.map((status) => status === 429),
    rejectedBy(ENTRIES, routed),
  )
})

t.test('a path that Express routes to an endpoint counts with it', async (t) => {
  const ask = await limiterOf([entry('/api/items', { burst: 2 })])
  t.strictSame(
    ['/API/items', '/api/items/', '/Api/Items/', '/api/items'].map((path) => ask(path)),
    [200, 200, 429, 429],
  )
  t.equal(ask('/api/items/1'), 200)
})

t.test('without enforce requests over a limit are only told of', async (t) => {
  const told: string[] = []
  const ask = await limiterOf([entry('/x', { burst: 1 })], {
    enforce: false,
    onLimited: (_, endpoint) => told.push(endpoint),
  })
  t.strictSame([ask('/x'), ask('/x')], [200, 200])
  t.strictSame(told, ['/x'])
})

t.test('failures, different paths and the users of programs have their own limits', async (t) => {
  const gateway = entry('/**', {
    ...{ scope: 'gateway-client', limit: 100, burst: 100, failures: { limit: 3, seconds: 86_400 } },
    distinctPaths: { limit: 5, seconds: 86_400 },
    exceptions: [
      { client: 'cron', kind: 'user', limit: 1, burst: 2, reason: '', reviewAt: HEAD.generatedAt },
    ],
  })
  const ask = await limiterOf([gateway], { userOf: ({ user }) => user })
  t.strictSame(
    Array.from({ length: 5 }, () => ask('/login', {}, 401)),
    [401, 401, 401, 429, 429],
  )
  const other = { ip: '10.0.0.2' }
  t.strictSame(
    Array.from({ length: 7 }, (_, i) => ask(`/p${i}`, other)),
    [200, 200, 200, 200, 200, 429, 429],
  )
  t.equal(ask('/p1', other), 200, 'a path that was counted before')
  const cron = { ip: '10.0.0.3', user: 'cron' }
  t.strictSame([ask('/a', cron), ask('/b', { ...cron, ip: '10.0.0.4' }), ask('/c', cron)], [200, 200, 429])
})

t.test('IPv6 clients count by their first 64 bits', async (t) => {
  const ask = await limiterOf([entry('/x', { burst: 1 })])
  t.equal(ask('/x', { ip: '2001:db8::1' }), 200)
  t.equal(ask('/x', { ip: '2001:db8:0:0:ffff::2' }), 429)
  t.equal(ask('/x', { ip: '2001:db8:0:1::1' }), 200)
  t.equal(ask('/x', { ip: '::ffff:10.0.0.9' }), 200)
})
