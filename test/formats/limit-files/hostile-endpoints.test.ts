import t from 'tap'
import { parse } from 'yaml'
import { expression } from '../../../formats/limit-files/read/limits.js'
import type { RateLimitEntry } from '../../../formats/limit-files/limit-entry.js'
import { rateLimitFile, type RateLimitFileFormat } from '../../../formats/limit-files/limit-file.js'

const HEAD = { tier: 'default', strategy: 'balanced', generatedAt: '2026-01-31T12:00:00.000Z' }

function entry(endpoint: string, more: Partial<RateLimitEntry> = {}): RateLimitEntry {
  const [, method = null, path = endpoint] = /^([A-Za-z-]+) (.*)$/.exec(endpoint) ?? []
  const longWindow = { seconds: 3600, limit: 900 }
  return {
    ...{ endpoint, method, path, scope: 'client', limit: 100, burst: 20, longWindow },
    ...{ dayWindow: null, exceptions: [], failures: null, distinctPaths: null },
    ...more,
  }
}

/** Anyone can have them in a log, by asking for them. */
const HOSTILE = [
  '/a"\n}; \\$host*/{id}.é',
  '//favicon.ico',
  '/scripts//%22x',
  '/a////{id}//b',
  'GET //x',
  'OPTIONS *',
  'CONNECT example.com:443',
  '/x\u0080y',
  '/x\u0085\u009f\u007f\u2028\u2029\ufeff\ufffe\uffffy',
  '/\ud800half',
  '/whole\u{1f600}',
  'M-SEARCH /x',
  'BREW /pot',
  'get /x',
  '/x',
  '/x per hour',
  '',
  '*/',
  '/#:- {}[]',
]

const file = (format: RateLimitFileFormat, names = HOSTILE) =>
  rateLimitFile(
    format,
    names.map((name) => entry(name)),
    HEAD,
  )

/** c-printable of YAML 1.2 without the line separators of YAML 1.1, which not every reader checks. */
const YAML_TEXT = /^[\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]*$/u

/** Names in comments, in which anything but printable ASCII is `?`. */
const leftOut = (text: string) => [...text.matchAll(/Left out, as .*?: (.*)$/gm)].map(([, name]) => name)

type Handler = (request: object, response: object, next: () => void) => void

const express = async (text: string) =>
  (await import(`data:text/javascript,${encodeURIComponent(text)}`)) as {
    limits: { method: string | null; path: RegExp }[]
    limitRequests(rateLimit: (options: { windowMs: number }) => Handler): Handler
  }

t.test('Kong is given what its schema allows, and the rest is named in comments', async (t) => {
  interface Route {
    readonly name: string
    readonly methods?: readonly string[]
    readonly paths: readonly string[]
  }
  const text = file('kong')
  t.match(text, YAML_TEXT)
  const { routes } = (parse(text) as { services: [{ routes: Route[] }] }).services[0]
  for (const { name, methods = [], paths } of routes) {
    t.match(name, /^\w+$/)
    t.ok(
      paths.every((path) => path.startsWith('~/') && !path.includes('//')),
      paths.join(),
    )
    t.ok(paths.every((path) => expression(path.slice(1), 1)))
    t.ok(methods.every((method) => /^[A-Z]+$/.test(method)))
  }
  t.same(
    leftOut(text).toSorted(),
    [
      'OPTIONS *',
      'CONNECT example.com:443',
      'M-SEARCH /x',
      'get /x',
      '',
      '* /', // a comment in JavaScript must not end there
    ].toSorted(),
  )
  t.equal(routes.length + 6, HOSTILE.length)
  const slashes = routes.find(({ name }) => name.endsWith('_a_id_b'))!
  t.match('/a////42//b', expression(slashes.paths[0]!.slice(1), 1))
  t.strictSame((parse(file('kong', ['OPTIONS *'])) as { services: unknown[] }).services[0], {
    name: 'aegis-limits',
    url: 'http://127.0.0.1:8080',
    routes: [],
  })
})

t.test('Kong is given no more for a minute than for an hour', async (t) => {
  const text = rateLimitFile('kong', [entry('/x', { longWindow: { seconds: 3600, limit: 60 } })], HEAD)
  t.match(text, /minute: 60\n +hour: 60\n/)
})

t.test('every endpoint is a descriptor of its own for Envoy, with its very name', async (t) => {
  const text = file('envoy')
  t.match(text, YAML_TEXT)
  const { descriptors } = parse(text) as { descriptors: { key: string; value: string }[] }
  const keys = descriptors.map(({ key, value }) => `${key}_${value}`)
  t.equal(new Set(keys).size, keys.length)
  const names = descriptors.filter(({ key }) => key === 'generic_key').map(({ value }) => value)
  t.strictSame(
    names.toSorted(),
    HOSTILE.filter((name) => name !== 'OPTIONS *')
      .map((name) => name.replace('\ud800', '\ufffd'))
      .toSorted(),
  )
  t.strictSame(leftOut(text), ['OPTIONS *'], 'it would be the limit of whatever OPTIONS are sent to')
  t.strictSame(parse(file('envoy', ['/*'])), { domain: 'aegis_ml', descriptors: [] })
})

t.test('the AEGIS gateway is given the very name of every endpoint', async (t) => {
  const text = file('aegis')
  t.match(text, YAML_TEXT)
  const { rate_limits: limits } = parse(text) as { rate_limits: Record<string, unknown>[] }
  t.strictSame(
    limits.map(({ endpoint_pattern: path, method }) => JSON.stringify([path, method])).toSorted(),
    HOSTILE.map((name) => entry(name))
      .map(({ path, method }) => JSON.stringify([path.replace('\ud800', '\ufffd'), method]))
      .toSorted(),
  )
  t.match(limits[0], { tier: 'default', scope: 'client', requests_per_minute: 100, burst: 20 })
  t.strictSame(parse(file('aegis', [])), { rate_limits: [] })
})

t.test('Express is given methods that it has a function for', async (t) => {
  const text = file('express')
  const { limits, limitRequests } = await express(text)
  t.equal(limits.length, HOSTILE.length)
  t.ok(limits.some(({ method, path }) => method === null && path.test('//favicon.ico')))
  t.ok(limits.some(({ method, path }) => method === 'M-SEARCH' && path.test('/x')))
  t.ok(limits.some(({ method, path }) => method === 'BREW' && path.test('/pot')))
  t.type(limitRequests, 'function')
})

t.test('an endpoint stays within its lines', async (t) => {
  const shapes = {
    nginx: /^(|}|#[ -~]*|map [ -~]+ \$\w+ \{| {4}[ -~]+;?|limit_req[ -~]+;)$/,
    headers: /^[\t -~]*$/,
  }
  for (const [format, shape] of Object.entries(shapes)) {
    for (const line of file(format as 'nginx', HOSTILE)
      .trimEnd()
      .split('\n'))
      t.match(line, shape, format)
  }
})
