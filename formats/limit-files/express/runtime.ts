/**
 * The part of the module for Express that is the same in every file. Buckets are kept in a map that forgets those that
 * are full again, and ends at MAX_CLIENTS; clients beyond share one bucket for each limit, so that no one can evade it.
 */
export const EXPRESS_RUNTIME = String.raw`
const MAX_CLIENTS = 100_000
const MAX_PATHS = 10_000

/** A token bucket: when it is full again, by key. */
function bucket({ limit, burst }) {
  const fullAt = new Map()
  const step = 60_000 / limit
  const before = (key, now) => Math.max(fullAt.get(key) ?? 0, now)
  return {
    allows: (key, now) => before(key, now) + step - now <= burst * step + 1e-6,
    take(key, now) {
      const value = before(key, now) + step
      fullAt.delete(key) // so that the oldest are in front
      fullAt.set(key, value)
      forget(fullAt, (time) => time <= now)
    },
    keyOf: (key) => (fullAt.size < MAX_CLIENTS || fullAt.has(key) ? key : ''),
  }
}

/** Counts in windows of the clock, by key. */
function windows({ limit, seconds }) {
  const counts = new Map()
  const current = (now) => Math.floor(now / (1000 * seconds))
  const used = (key, now) => (counts.get(key)?.window === current(now) ? counts.get(key).count : 0)
  return {
    allows: (key, now) => used(key, now) < limit,
    take(key, now) {
      const count = used(key, now) + 1
      counts.delete(key)
      counts.set(key, { window: current(now), count })
      forget(counts, ({ window }) => window < current(now))
    },
    keyOf: (key) => (counts.size < MAX_CLIENTS || counts.has(key) ? key : ''),
  }
}

/** Removes the oldest entries that are over. */
function forget(map, isOver) {
  let looked = 0
  for (const [key, value] of map) {
    if (!isOver(value) || looked++ >= 4) return
    map.delete(key)
  }
}

/** Different paths in windows of the clock, by key; passes a path that was counted before. */
function distinct({ limit, seconds }) {
  const paths = new Map()
  const key = (client, now) => client + ' ' + Math.floor(now / (1000 * seconds))
  return {
    allows(client, now, path) {
      const seen = paths.get(key(client, now))
      return seen === undefined || seen.has(path) || seen.size < Math.min(limit, MAX_PATHS)
    },
    take(client, now, path) {
      const name = key(client, now)
      const seen = paths.get(name) ?? new Set()
      paths.delete(name)
      paths.set(name, seen.add(path))
      while (paths.size > MAX_CLIENTS / 10) paths.delete(paths.keys().next().value)
    },
    keyOf: (client) => client,
  }
}

/** IPv6 clients count by their first 64 bits. */
function networkOf(address) {
  if (!address.includes(':') || /^::ffff:\d+\./i.test(address)) return address.replace(/^::ffff:/i, '')
  const [head, tail] = address.split('%', 1)[0].toLowerCase().split('::')
  const groups = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const after = tail === '' ? [] : tail.split(':')
    while (groups.length + after.length < 8) groups.push('0')
    groups.push(...after)
  }
  return groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, '')).join(':') + '::/64'
}

/** The counters of a limit, and of the clients that have their own in its place. */
function limiterOf(limit) {
  const counters = (rule) => [
    bucket(rule),
    ...[rule.longWindow, rule.dayWindow].filter(Boolean).map(windows),
    ...(rule.distinctPaths ? [distinct(rule.distinctPaths)] : []),
  ]
  const programs = new Map(
    limit.exceptions.map((rule) => [
      rule.kind + ' ' + (rule.kind === 'address' && !rule.client.includes('/') ? networkOf(rule.client) : rule.client),
      counters(rule),
    ]),
  )
  return {
    ...limit,
    programs,
    counters: counters(limit),
    failed: limit.failures ? windows(limit.failures) : null,
  }
}

export function limitRequests({ enforce = false, userOf = () => undefined, onLimited = warn } = {}) {
  const limiters = limits.map(limiterOf)
  const gateway = limiters.filter(({ scope }) => scope === 'gateway-client')
  const endpoints = limiters.filter(({ scope }) => scope !== 'gateway-client')
  const endpointOf = ({ method, path }) => {
    const of = endpoints.filter((each) => each.method === null || each.method === method)
    return of.find((each) => each.path !== all && each.path.test(path)) ?? of.find((each) => each.routed.test(path))
  }
  return (request, response, next) => {
    const now = Date.now()
    const { path } = request
    const user = userOf(request)
    const address = networkOf(request.ip ?? '')
    const client = user === undefined ? 'address ' + address : 'user ' + user
    const found = endpointOf(request)
    const checks = []
    for (const limiter of found ? [...gateway, found] : gateway) {
      const own = limiter.programs.get('user ' + user) ?? limiter.programs.get('address ' + address)
      const key = limiter.scope === 'endpoint' && !own ? 'all' : client
      for (const counter of own ?? limiter.counters) checks.push({ limiter, counter, key: counter.keyOf(key) })
      if (limiter.failed && !own) countFailures(response, limiter.failed, client)
      if (limiter.failed && !own && !limiter.failed.allows(client, now)) return limited(limiter)
    }
    const over = checks.find(({ counter, key }) => !counter.allows(key, now, path))
    if (over) return limited(over.limiter)
    for (const { counter, key } of checks) counter.take(key, now, path)
    next()

    function limited(limiter) {
      onLimited(request, limiter.endpoint)
      if (!enforce) return next()
      response.statusCode = 429
      response.setHeader('retry-after', Math.ceil(60 / limiter.limit))
      response.end('Too many requests\n')
    }
  }
}

function countFailures(response, failed, client) {
  response.on('finish', () => {
    if ([401, 403, 404].includes(response.statusCode)) failed.take(failed.keyOf(client), Date.now())
  })
}

function warn(request, endpoint) {
  console.warn(JSON.stringify(request.method + ' ' + request.path) + ': over the limit of ' + endpoint)
}
`
