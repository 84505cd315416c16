import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { rateLimitFile, type RateLimitFileFormat } from '../../../formats/limit-files/limit-file.js'
import { expression } from '../../../formats/limit-files/read/limits.js'
import { ENTRIES, entry, entryOf, HEAD, LOG } from './limit-requests.js'

/** What a file does with a request: the first match counts. */
interface Match {
  readonly name: string
  readonly method: string | null
  readonly pattern: RegExp
}

type Node = Record<string, unknown>

const endpoints = ENTRIES.filter(({ path }) => path !== '/**')
const yaml = (text: string): Node[] => parseAllDocuments(text).map((document) => document.toJS() as Node)
const first = (text: string) => yaml(text)[0]!

/** A value by the names and places on the way. */
function at(node: unknown, ...keys: (string | number)[]): unknown {
  return keys.reduce<unknown>((found, key) => (found as Record<string | number, unknown>)[key], node)
}
const list = (node: unknown, ...keys: (string | number)[]) => at(node, ...keys) as Node[]

/** Patterns of each format, in the order in which its gateway looks at them. */
const READERS: Partial<Record<RateLimitFileFormat, (text: string) => Match[]>> = {
  kong: (text) =>
    list(first(text), 'services', 0, 'routes')
      .toSorted((a, b) => Number(b['regex_priority']) - Number(a['regex_priority']))
      .map((route) => ({
        name: String(route['name']),
        method: (route['methods'] as string[] | undefined)?.[0] ?? null,
        pattern: expression(`^${(route['paths'] as string[])[0]!.slice(1)}`, 1),
      })),
  traefik: (text) =>
    Object.entries(at(first(text), 'http', 'routers') as Record<string, Node>)
      .filter(([name]) => !/_client_\d+$/.test(name))
      .sort(([, a], [, b]) => Number(b['priority']) - Number(a['priority']))
      .map(([name, { rule }]) => ({
        name,
        method: /Method\(`([^`]*)`\)/.exec(String(rule))?.[1] ?? null,
        pattern: expression(/PathRegexp\(`([^`]*)`\)/.exec(String(rule))?.[1] ?? '^/', 1),
      })),
  apisix: (text) =>
    list(first(text), 'routes')
      .filter(({ id }) => !/_program_\d+$/.test(String(id)))
      .toSorted((a, b) => Number(b['priority']) - Number(a['priority']))
      .map((route) => ({
        name: String(route['id']),
        method: (route['methods'] as string[] | undefined)?.[0] ?? null,
        pattern: expression((route['vars'] as string[][] | undefined)?.[0]?.[2] ?? '^/', 1),
      })),
  envoy: (text) =>
    [...text.matchAll(/^ {2}# (.*)\n {2}# match: (.*)$/gm)].map(([, name, json]) => {
      const match = JSON.parse(json!) as Node
      const method = match['headers'] as Node[] | undefined
      return {
        name: name!,
        method: method ? String(at(method, 0, 'string_match', 'safe_regex', 'regex')) : null,
        pattern: expression(`^(?:${String(at(match, 'safe_regex', 'regex'))})$`, 1),
      }
    }),
}

const request = (target: string) => target.split('?', 1)[0]!

for (const [format, read] of Object.entries(READERS)) {
  t.test(`${format} counts a request for the endpoint that the backtest counts it for`, async (t) => {
    const matches = read(rateLimitFile(format as RateLimitFileFormat, endpoints, HEAD))
    const names = new Map<string, string>()
    const found = (target: string, method: string) =>
      matches.find((each) => (each.method === null || each.method === method) && each.pattern.test(target))
        ?.name ?? 'other'
    for (const { method, target } of LOG) {
      const endpoint = entryOf({ method, target }, endpoints)!.endpoint
      const name = found(request(target), method)
      names.set(name, names.get(name) ?? endpoint)
      t.equal(names.get(name), endpoint, `${method} ${target} is of ${name}`)
    }
    t.equal(new Set(names.values()).size, names.size, 'no endpoint has two names')
  })
}

t.test('the files for Kubernetes have the essential fields of their schemas', async (t) => {
  const [policy] = yaml(rateLimitFile('envoy-gateway', ENTRIES, HEAD)).filter((each) => each !== null)
  t.match(policy, {
    apiVersion: 'gateway.envoyproxy.io/v1alpha1',
    kind: 'BackendTrafficPolicy',
    spec: { rateLimit: { type: 'Global' } },
  })
  const rules = list(policy, 'spec', 'rateLimit', 'global', 'rules')
  t.ok(
    rules.every(
      (rule) => Number.isInteger(at(rule, 'limit', 'requests')) && at(rule, 'limit', 'unit') === 'Minute',
    ),
  )
  t.match(rules[0], {
    clientSelectors: [{ sourceCIDR: { type: 'Distinct', value: '0.0.0.0/0' } }],
    limit: { requests: 1 },
  })
  const many = Array.from({ length: 200 }, (_, i) => entry(`/a/${i}x`))
  for (const each of yaml(rateLimitFile('envoy-gateway', many, HEAD)).filter((found) => found !== null)) {
    t.ok(list(each, 'spec', 'rateLimit', 'global', 'rules').length <= 64, 'a policy has 64 rules at most')
  }

  const istio = first(rateLimitFile('istio', ENTRIES, HEAD))
  t.match(istio, { apiVersion: 'networking.istio.io/v1alpha3', kind: 'EnvoyFilter' })
  const config = at(istio, 'spec', 'configPatches', 0, 'patch', 'value', 'typed_config')
  t.match(config, { filter_enforced: { default_value: { numerator: 0 } } })
  const actions = list(config, 'rate_limits').map((each) =>
    at(each, 'actions', 0, 'header_value_match', 'descriptor_value'),
  )
  const known = list(config, 'descriptors').map((each) => at(each, 'entries', 0, 'value'))
  t.strictSame(new Set(actions), new Set(known), 'every descriptor is sent')

  for (const ingress of yaml(rateLimitFile('ingress-nginx', ENTRIES, HEAD)).filter((each) => each !== null)) {
    t.match(ingress, {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      spec: { ingressClassName: 'nginx' },
    })
    t.match(at(ingress, 'metadata', 'annotations', 'nginx.ingress.kubernetes.io/limit-rpm'), /^\d+$/)
  }
})

t.test('hostile names stay within the texts of Terraform and Caddy', async (t) => {
  const names = ['/a"\n}; ${x} %{y} \\ `z` */{id}.é', '/{$ENV}', 'BREW /"pot', '/x\u0000']
  const entries = names.map((name) => entry(name))
  for (const format of ['aws-waf', 'cloudflare'] as const) {
    const text = rateLimitFile(format, entries, HEAD)
    for (const line of text.split('\n').filter((each) => !/^\s*#/.test(each))) {
      const rest = line.replace(/"(?:[^"\\]|\\.)*"/g, (quoted) => {
        t.notMatch(quoted.replace(/[$%]{2}\{/g, ''), /[$%]\{/, 'no template')
        return '""'
      })
      t.match(rest, /^[ \w.=[\](),{}"-]*$/, format)
    }
  }
  const caddy = rateLimitFile('caddy', entries, HEAD).split('\n')
  for (const line of caddy.filter((each) => !/^\s*#/.test(each))) {
    t.match(line, /^[\t]*(?:[\w().{} /:-]*|(?:not )?path_regexp `[^`\n$]*\$`|method [\w\\{}-]+)$/)
  }
})
