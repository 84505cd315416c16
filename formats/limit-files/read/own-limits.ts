import { longerWindows } from '../limit-entry.js'
import type { RateLimitException } from '../../../models/rate-limit/exception.js'
import type { RateLimitEntry, WindowLimit } from '../limit-entry.js'
import { limitPlan } from '../limit-plan.js'
import { pathPattern } from '../path-pattern.js'
import {
  UnreadableLimits,
  type AppliedLimit,
  type Counting,
  type FileLimits,
  type SeenRequest,
} from './limits.js'
import { networkKey } from './network-matcher.js'
import { costOfPaths, costsIn } from './own-costs.js'
import { fieldsOf, lineOf, type YamlNode } from './yaml-nodes.js'

const FIELDS = new Set(
  'endpoint endpoint_pattern path method tier scope unit weights default_weight requests_per_minute cost_per_minute burst long_window day_window policy exceptions failures distinct_paths'.split(
    ' ',
  ),
)

/** Limits of ours: the list of GET /export/rate-limits as JSON, or the file for the AEGIS gateway. */
export function ownLimits(list: readonly YamlNode[]): FileLimits {
  const entries = list.map(entryOf)
  const { gateway, endpoints, other } = limitPlan(entries)
  const patterns = endpoints.map((entry) => ({
    entry,
    pattern: new RegExp(`^(?:${pathPattern(entry.path, 'units', 'raw')})$`),
  }))
  const costs = new Map(entries.flatMap((each) => (each.costs ? [[each, costOfPaths(each.costs)]] : [])))
  return {
    gateway: 'aegis',
    count: entries.length,
    remarks: [],
    limitsOf(request) {
      const { method, path } = request
      const found = patterns.find(
        ({ entry, pattern }) => (entry.method === null || entry.method === method) && pattern.test(path),
      )
      const entry = found?.entry ?? other
      return [...gateway, ...(entry ? [entry] : [])].flatMap((each) => {
        const cost = costs.get(each)?.(path)
        return applied(each, request).map((limit) => (cost === undefined ? limit : { ...limit, cost }))
      })
    },
  }
}

function applied(entry: RateLimitEntry, { user, address }: SeenRequest): AppliedLimit[] {
  const { endpoint, scope, limit, burst, exceptions } = entry
  const network = networkKey(address, 32, 64)
  const own =
    exceptions.find(({ kind, client }) => kind === 'user' && client === user) ??
    exceptions.find(
      ({ kind, client }) => kind === 'address' && networkKey(client.replace(/\/64$/, ''), 32, 64) === network,
    )
  const client = own ? `program ${own.client}` : user || network
  if (scope !== 'endpoint' && client === '') return []
  const key = scope === 'endpoint' && !own ? '' : client
  const bucket = (rate: { limit: number; burst: number }): Counting => ({
    ...{ kind: 'bucket', limit: rate.limit, burst: rate.burst, windowMs: 60_000 },
  })
  if (own) return [{ name: `${endpoint}, exception`, key, counting: bucket(own) }]
  const other = (kind: 'window' | 'failures' | 'paths', what: string, window: WindowLimit | null) =>
    window
      ? [
          {
            ...{ name: `${endpoint}, ${window.limit}${what} in ${window.seconds} s`, key },
            counting: { kind, limit: window.limit, windowMs: 1000 * window.seconds },
          },
        ]
      : []
  return [
    ...other('failures', ' failures', entry.failures),
    ...longerWindows(entry).flatMap((window) => other('window', '', window)),
    { name: endpoint, key, counting: bucket({ limit, burst }) },
    ...other('paths', ' different paths', entry.distinctPaths),
  ]
}

function entryOf(node: YamlNode): RateLimitEntry {
  const fields = fieldsOf(node)
  for (const [name, value] of fields) {
    if (!FIELDS.has(name))
      throw new UnreadableLimits(lineOf(value), `the field ${name} of a limit is not understood`)
  }
  const text = (name: string) => fields.get(name)?.value
  const path = text('path') ?? text('endpoint_pattern') ?? text('endpoint')
  const method = text('method') ?? null
  const scope = text('scope') ?? 'client'
  const costs = costsIn(node)
  const named = costs ? 'cost_per_minute' : 'requests_per_minute'
  const limit = text(named)
  const burst = text('burst') ?? limit
  if (
    typeof path !== 'string' ||
    !isWhole(limit) ||
    !isWhole(burst) ||
    (method !== null && typeof method !== 'string')
  ) {
    throw new UnreadableLimits(
      lineOf(node),
      `a limit needs endpoint_pattern, ${named} and burst (whole numbers from 1)`,
    )
  }
  if (scope !== 'client' && scope !== 'endpoint' && scope !== 'gateway-client') {
    throw new UnreadableLimits(lineOf(node), 'scope is one of endpoint, client, gateway-client')
  }
  const name = text('endpoint')
  return {
    endpoint: typeof name === 'string' ? name : method === null ? path : `${method} ${path}`,
    ...{ method, path, scope, costs, limit, burst },
    longWindow: windowOf(fields.get('long_window')),
    dayWindow: windowOf(fields.get('day_window')),
    failures: windowOf(fields.get('failures')),
    distinctPaths: windowOf(fields.get('distinct_paths')),
    exceptions: fields.get('exceptions')?.items?.map(exceptionOf) ?? [],
  }
}

function windowOf(node: YamlNode | undefined): WindowLimit | null {
  if (node === undefined || (node.items === null && node.value === null)) return null
  const fields = fieldsOf(node)
  const [limit, seconds] = [fields.get('limit')?.value, fields.get('seconds')?.value]
  if (isWhole(limit) && isWhole(seconds)) return { limit, seconds }
  throw new UnreadableLimits(lineOf(node), 'a window needs limit and seconds, whole numbers from 1')
}

function exceptionOf(node: YamlNode): RateLimitException {
  const fields = fieldsOf(node)
  const [client, kind] = [fields.get('client')?.value, fields.get('kind')?.value]
  const rate = fields.get('limit') ?? fields.get('requests_per_minute') ?? fields.get('cost_per_minute')
  const limit = rate?.value
  const burst = fields.get('burst')?.value
  if (
    typeof client === 'string' &&
    (kind === 'user' || kind === 'address') &&
    isWhole(limit) &&
    isWhole(burst)
  ) {
    return { client, kind, limit, burst, reason: '', reviewAt: '' }
  }
  throw new UnreadableLimits(
    lineOf(node),
    'an exception needs client, kind (user or address), a limit and burst',
  )
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1
}
