import { ipNetwork } from './ip-network.js'
import {
  commentText,
  headLines,
  leftOut,
  safeName,
  type FileHead,
  type RateLimitEntry,
} from './limit-entry.js'
import { limitPlan, restInWords } from './limit-plan.js'
import { isTemplate, pathPattern } from './path-pattern.js'
import { terraformText } from './terraform-text.js'

const CAN = { longWindow: [3600], failures: false, distinctPaths: false }

/** Of an expression. */
const MAX_EXPRESSION = 4096
/** Of the paths of an expression: there is more beside them. */
const MAX_PATHS = 3000

/** A rule: the requests that it counts, together for each value of its characteristics. */
interface Rule {
  readonly name: string
  readonly expression: string
  readonly characteristics: readonly string[]
  readonly limit: number
  readonly seconds: number
}

/**
 * Rate limiting rules of Cloudflare as Terraform (provider 5). Paths without a placeholder that have the same limit share
 * a rule, which counts each of them by itself. The action log rejects nothing (it needs an Enterprise plan).
 */
export function cloudflareFile(entries: readonly RateLimitEntry[], head: FileHead): string {
  const plan = limitPlan(entries)
  const { gateway, endpoints, other } = plan
  const matches = endpoints.map(matchOf)
  const rest = matches.map((match) => `not (${match})`).join(' and ') || 'true'
  const all = [
    ...gateway.flatMap((entry) => rulesOf(entry, 'true', [])),
    ...endpointRules(endpoints),
    ...(other ? rulesOf(other, rest, []) : []),
  ]
  const rules = all.filter(({ expression }) => expression.length <= MAX_EXPRESSION)
  const long = new Set(all.filter((rule) => !rules.includes(rule)).map(({ name }) => name))
  const lines = [
    ...headLines(head).map((line) => `# ${line}`),
    '# For Cloudflare. Put your own zone in. Windows have no burst. `matches` needs a Business plan, the action log an',
    '# Enterprise plan: put block in to enforce the limits. Each data center counts by itself. Paths are matched after',
    '# Cloudflare normalized the URL (merged slashes, no dot segments), with their case and last slash.',
    `# ${restInWords(plan)}`,
    ...entries.flatMap((entry) =>
      [...leftOut(entry, 'Cloudflare', CAN), ...users(entry)].map((line) => `# ${line}`),
    ),
    ...[...long].map(
      (name) => `# Left out, as an expression has at most ${MAX_EXPRESSION} characters: ${commentText(name)}`,
    ),
    `# Cloudflare takes 1 to 100 rules, by the plan. Here are ${rules.length}.`,
    'variable "zone_id" {',
    '  type = string',
    '}',
    'resource "cloudflare_ruleset" "aegis_limits" {',
    '  zone_id = var.zone_id',
    '  name    = "aegis-limits"',
    '  kind    = "zone"',
    '  phase   = "http_ratelimit"',
    '  rules = [',
    ...rules.flatMap(ruleLines),
    '  ]',
    '}',
  ]
  return `${lines.join('\n')}\n`
}

function users({ exceptions }: RateLimitEntry): string[] {
  return exceptions
    .filter(({ kind, client }) => kind === 'user' || ipNetwork(client) === null)
    .map(({ client }) => `Left out, as Cloudflare knows programs by address: ${commentText(client)}`)
}

/** Strings between quotes of Cloudflare: a backslash and a quote need a backslash. */
const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`

function pathMatch(path: string): string {
  if (!isTemplate(path)) return `http.request.uri.path eq ${quoted(path)}`
  return `http.request.uri.path matches ${quoted(`^${pathPattern(path, 'code-points', 'raw')}$`)}`
}

function matchOf({ method, path }: RateLimitEntry): string {
  return method === null ? pathMatch(path) : `${pathMatch(path)} and http.request.method eq ${quoted(method)}`
}

/** Endpoints without placeholder and program that have the same limit are one rule. */
function endpointRules(endpoints: readonly RateLimitEntry[]): Rule[] {
  const shared = new Map<string, RateLimitEntry[]>()
  const alone: RateLimitEntry[] = []
  for (const entry of endpoints) {
    const { method, path, scope, limit, longWindow, exceptions } = entry
    if (isTemplate(path) || exceptions.length > 0) alone.push(entry)
    else {
      const key = JSON.stringify([method, scope, limit, longWindow])
      shared.set(key, [...(shared.get(key) ?? []), entry])
    }
  }
  return [
    ...[...shared.values()].flatMap((same) => {
      const [first] = same
      if (same.length === 1) return rulesOf(first!, matchOf(first!), [])
      const method = first!.method === null ? '' : ` and http.request.method eq ${quoted(first!.method)}`
      return inParts(same.map(({ path }) => quoted(path))).flatMap((paths) =>
        rulesOf(first!, `http.request.uri.path in {${paths}}${method}`, ['http.request.uri.path']),
      )
    }),
    ...alone.flatMap((entry) => rulesOf(entry, matchOf(entry), [])),
  ]
}

/** Each path has counters of its own: it does not matter which rule it is in. */
function inParts(paths: readonly string[]): string[] {
  const parts: string[] = []
  for (const path of paths) {
    const last = parts.at(-1)
    if (last === undefined || last.length + path.length >= MAX_PATHS) parts.push(path)
    else parts[parts.length - 1] = `${last} ${path}`
  }
  return parts
}

function rulesOf(entry: RateLimitEntry, match: string, more: readonly string[]): Rule[] {
  const { endpoint, scope, limit, longWindow, exceptions } = entry
  const characteristics = ['cf.colo.id', ...(scope === 'endpoint' ? [] : ['ip.src']), ...more]
  const networks = exceptions.flatMap((own) => {
    const network = own.kind === 'address' ? ipNetwork(own.client) : null
    return network === null ? [] : [{ network, limit: own.limit }]
  })
  const others =
    networks.length > 0 ? ` and not ip.src in {${networks.map(({ network }) => network).join(' ')}}` : ''
  const expression = `(${match})${others}`
  return [
    { name: endpoint, expression, characteristics, limit, seconds: 60 },
    ...(longWindow?.seconds === 3600
      ? [{ name: endpoint, expression, characteristics, limit: longWindow.limit, seconds: 3600 }]
      : []),
    ...networks.map((own) => ({
      name: endpoint,
      expression: `(${match}) and ip.src in {${own.network}}`,
      characteristics,
      limit: own.limit,
      seconds: 60,
    })),
  ]
}

function ruleLines({ name, expression, characteristics, limit, seconds }: Rule, place: number): string[] {
  return [
    '    {',
    `      ref         = "${safeName(name, place)}"`,
    `      description = ${terraformText(commentText(name))}`,
    `      expression  = ${terraformText(expression)}`,
    '      action      = "log"',
    '      ratelimit = {',
    `        characteristics     = [${characteristics.map(terraformText).join(', ')}]`,
    `        period              = ${seconds}`,
    `        requests_per_period = ${limit}`,
    `        mitigation_timeout  = ${seconds}`,
    '      }',
    '    },',
  ]
}
