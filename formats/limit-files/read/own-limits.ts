import { longerWindows } from '../limit-entry.js'
import type { RateLimitException } from '../../../models/rate-limit/exception.js'
import type { RateLimitEntry, WindowLimit } from '../limit-entry.js'
import { limitPlan } from '../limit-plan.js'
import {
  UnreadableLimits,
  type AppliedLimit,
  type Counting,
  type FileLimits,
  type SeenRequest,
} from './limits.js'
import { networkKey } from './network-matcher.js'
import { costOfPaths, costsIn } from './own-costs.js'
import { TemplateTree } from './template-tree.js'
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
  const tree = new TemplateTree(endpoints.map(({ path }) => path))
  const parts = new Map(entries.map((each) => [each, partsOf(each)]))
  return {
    gateway: 'aegis',
    count: entries.length,
    remarks: [],
    limitsOf(request) {
      const { method, path } = request
      const entry =
        tree
          .matching(path)
          .map((place) => endpoints[place]!)
          .find((each) => each.method === null || each.method === method) ?? other
      return [...gateway, ...(entry ? [entry] : [])].flatMap((each) =>
        applied(each, parts.get(each)!, request),
      )
    },
  }
}

/** A limit without the key of a request. */
type Part = Pick<AppliedLimit, 'name' | 'counting'>

/** The parts of an entry, made once; exceptions by user and by network. */
interface Parts {
  readonly all: readonly Part[]
  readonly users: ReadonlyMap<string, Program>
  readonly networks: ReadonlyMap<string, Program>
  readonly costOf: ((path: string) => number) | null
}

interface Program {
  readonly key: string
  readonly part: Part
}

function partsOf(entry: RateLimitEntry): Parts {
  const { endpoint, costs, exceptions } = entry
  const bucket = ({ limit, burst }: { limit: number; burst: number }): Counting => {
    return { kind: 'bucket', limit, burst, windowMs: 60_000 }
  }
  const other = (kind: 'window' | 'failures' | 'paths', what: string, window: WindowLimit | null): Part[] => {
    if (window === null) return []
    const { limit, seconds } = window
    const name = `${endpoint}, ${limit}${what} in ${seconds} s`
    return [{ name, counting: { kind, limit, windowMs: 1000 * seconds } }]
  }
  const programs = (of: RateLimitException['kind'], keyOf: (client: string) => string) =>
    new Map(
      exceptions
        .filter(({ kind }) => kind === of)
        .map((own) => {
          const part = { name: `${endpoint}, exception`, counting: bucket(own) }
          return [keyOf(own.client), { key: `program ${own.client}`, part }] as const
        })
        .reverse(), // the first of a client counts
    )
  return {
    all: [
      ...other('failures', ' failures', entry.failures),
      ...longerWindows(entry).flatMap((window) => other('window', '', window)),
      { name: endpoint, counting: bucket(entry) },
      ...other('paths', ' different paths', entry.distinctPaths),
    ],
    users: programs('user', (client) => client),
    networks: programs('address', (client) => networkKey(client.replace(/\/64$/, ''), 32, 64)),
    costOf: costs ? costOfPaths(costs) : null,
  }
}

function applied(
  { scope }: RateLimitEntry,
  { all, users, networks, costOf }: Parts,
  { user, address, path }: SeenRequest,
): AppliedLimit[] {
  const network = networkKey(address, 32, 64)
  const own = users.get(user) ?? networks.get(network)
  const client = own?.key ?? (user || network)
  if (scope !== 'endpoint' && client === '') return []
  const key = scope === 'endpoint' && !own ? '' : client
  const cost = costOf && { cost: costOf(path) }
  return (own ? [own.part] : all).map((part) => ({ ...part, key, ...cost }))
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
