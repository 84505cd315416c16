import { networkMatcher } from './network-matcher.js'
import { expression, normalizedPath, UnreadableLimits, type SeenRequest } from './limits.js'
import type { Directive } from './nginx-config.js'

type Value = (request: SeenRequest) => string

/** Variables that a log can tell. The host is one and the same for all requests of a log. */
const KNOWN: Readonly<Record<string, Value>> = {
  binary_remote_addr: ({ address }) => address,
  remote_addr: ({ address }) => address,
  realip_remote_addr: ({ address }) => address,
  proxy_add_x_forwarded_for: ({ address }) => address,
  http_x_forwarded_for: ({ address }) => address,
  http_x_real_ip: ({ address }) => address,
  remote_user: ({ user }) => user,
  http_user_agent: ({ agent }) => agent,
  request_method: ({ method }) => method,
  request_uri: ({ target }) => target,
  uri: ({ path }) => normalizedPath(path),
  document_uri: ({ path }) => normalizedPath(path),
  args: ({ target, path }) => target.slice(path.length + 1),
  query_string: ({ target, path }) => target.slice(path.length + 1),
  server_name: () => 'server',
  host: () => 'server',
  http_host: () => 'server',
  server_port: () => '80',
  scheme: () => 'http',
}

/** The variables of a configuration: those of requests, and those that map and geo define. */
export class NginxVariables {
  readonly #defined = new Map<string, Value>()
  /** Of named captures, as the map that was looked at last has set them. */
  readonly #captured = new Map<string, string>()

  add({ name, args, block, line }: Directive): void {
    const target = args.at(-1)?.replace(/^\$/, '')
    if (target === undefined || block === null) throw new UnreadableLimits(line, `${name} is not understood`)
    const source = args.length > 1 ? args[0]! : '$remote_addr'
    // Both may be defined after they are used.
    let found: Value | undefined
    // As NGINX keeps a variable for the time of a request.
    let [last, kept]: [SeenRequest | undefined, string] = [undefined, '']
    this.#defined.set(target, (request) => {
      found ??= name === 'map' ? this.#map(source, block, line) : this.#geo(source, block, line)
      if (request !== last) [last, kept] = [request, found(request)]
      return kept
    })
    for (const { args: values, name: key } of block) {
      for (const text of [key, ...values]) {
        for (const [, capture] of text.matchAll(/\(\?<([A-Za-z_]\w*)>/g)) {
          this.#defined.set(capture!, () => this.#captured.get(capture!) ?? '')
        }
      }
    }
  }

  /** A text with variables. @throws UnreadableLimits naming a variable that no log can tell */
  text(source: string, line: number): Value {
    const parts = source.split(/(\$\{\w+\}|\$\w+)/).map((part, i): Value => {
      if (i % 2 === 0) return () => part
      const name = part.replace(/[${}]/g, '')
      if (/^\d$/.test(name)) return () => this.#captured.get(name) ?? ''
      const value = this.#defined.get(name) ?? KNOWN[name]
      if (value) return value
      throw new UnreadableLimits(line, `an access log does not tell the variable $${name}`)
    })
    if (parts.length === 3 && source.startsWith('$')) return parts[1]!
    return (request) => parts.map((value) => value(request)).join('')
  }

  #map(source: string, block: readonly Directive[], line: number): Value {
    const of = this.text(source, line)
    const plain = new Map<string, Value>()
    const patterns: { pattern: RegExp; value: Value }[] = []
    let otherwise: Value = () => ''
    for (const { name, args, line: at } of block) {
      if (name === 'volatile' || name === 'hostnames') {
        if (name === 'hostnames') throw new UnreadableLimits(at, 'hostnames of a map is not understood')
        continue
      }
      if (name === 'include' || args.length !== 1)
        throw new UnreadableLimits(at, `${name} of a map is not understood`)
      const value = this.text(args[0]!, at)
      if (name === 'default') otherwise = value
      else if (name.startsWith('~')) {
        const isInsensitive = name.startsWith('~*')
        patterns.push({
          pattern: expression(name.slice(isInsensitive ? 2 : 1), at, isInsensitive ? 'i' : ''),
          value,
        })
      } else plain.set(name.replace(/^\\/, '').toLowerCase(), value)
    }
    return (request) => {
      const text = of(request)
      const found = plain.get(text.toLowerCase())
      if (found) return found(request)
      for (const { pattern, value } of patterns) {
        const match = pattern.exec(text)
        if (!match) continue
        match.forEach((capture, i) => this.#captured.set(`${i}`, capture ?? ''))
        for (const [name, capture] of Object.entries(match.groups ?? {}))
          this.#captured.set(name, capture ?? '')
        return value(request)
      }
      return otherwise(request)
    }
  }

  #geo(source: string, block: readonly Directive[], line: number): Value {
    const of = this.text(source, line)
    const networks: { bits: number; contains: (address: string) => boolean; value: string }[] = []
    let otherwise = ''
    for (const { name, args, line: at } of block) {
      if (name === 'default') otherwise = args[0] ?? ''
      else {
        const network = networkMatcher(name)
        if (network === null || args.length !== 1)
          throw new UnreadableLimits(at, `${name} of geo is not understood`)
        networks.push({ ...network, value: args[0]! })
      }
    }
    networks.sort((a, b) => b.bits - a.bits)
    return (request) => {
      const address = of(request)
      return networks.find(({ contains }) => contains(address))?.value ?? otherwise
    }
  }
}
