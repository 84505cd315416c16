import { networkMatcher } from './network-matcher.js'
import { expression, UnreadableLimits, type Place, type SeenRequest } from './limits.js'
import type { Directive } from './nginx-config.js'

/** A request on its way through the server: rewrites change its URI. */
export interface NginxRequest extends SeenRequest {
  uri: string
  /** Of `set`, and of the captures of the pattern that matched last. */
  readonly variables: Map<string, string>
}

export type NginxValue = (request: NginxRequest) => string

/** Variables that a log tells, or that are the same for all requests of a server. */
const KNOWN: Readonly<Record<string, NginxValue>> = {
  binary_remote_addr: ({ address }) => address,
  remote_addr: ({ address }) => address,
  realip_remote_addr: ({ address }) => address,
  proxy_add_x_forwarded_for: ({ address }) => address,
  http_x_forwarded_for: ({ address }) => address,
  http_x_real_ip: ({ address }) => address,
  proxy_protocol_addr: ({ address }) => address,
  remote_user: ({ user }) => user,
  http_user_agent: ({ agent }) => agent,
  request_method: ({ method }) => method,
  uri: ({ uri }) => uri,
  document_uri: ({ uri }) => uri,
}
/** Enough for keys, which they do not divide. They cannot be compared. */
const CONSTANT = new Set('server_name host http_host server_port server_addr hostname'.split(' '))
const QUERY = /^(?:args|query_string|is_args|request_uri|request|arg_\w+)$/
/** The assumption about these is said in a remark. */
const OVER_TLS: Readonly<Record<string, string>> = { scheme: 'https', https: 'on' }

/** The variables of a configuration: those of requests, and those that map, geo and set define. */
export class NginxVariables {
  /** Whether a variable was asked for that says how requests came. */
  assumesTls = false
  readonly #defined = new Map<string, { compile(): NginxValue; compiled?: NginxValue; isOpen?: boolean }>()

  /** @param directive a map or geo */
  add({ name, args, block, line }: Directive): void {
    const target = args.at(-1)?.replace(/^\$/, '')
    if (target === undefined || block === null) throw new UnreadableLimits(line, `${name} is not understood`)
    const source = args.length > 1 ? args[0]! : '$remote_addr'
    this.#define(target, () =>
      name === 'map' ? this.#map(source, block, line) : this.#geo(source, block, line),
    )
    this.defineCaptures(block.flatMap(({ name: key, args: values }) => [key, ...values]))
  }

  /** A variable that `set` gives a value, empty before. */
  defineSet(name: string): void {
    if (!this.#defined.has(name)) {
      this.#defined.set(name, { compile: () => (request) => request.variables.get(name) ?? '' })
    }
  }

  /** A variable whose value depends on what no log tells. */
  defineUntold(name: string, place: Place, reason: string): void {
    this.#defined.set(name, {
      compile() {
        throw new UnreadableLimits(place, reason)
      },
    })
  }

  defineCaptures(patterns: readonly string[]): void {
    for (const pattern of patterns) {
      for (const [, capture] of pattern.matchAll(/\(\?P?<([A-Za-z_]\w*)>/g)) this.defineSet(capture!)
    }
  }

  /**
   * A text with variables.
   * @param isCompared whether more than the difference between two values matters
   * @throws UnreadableLimits naming a variable that no log can tell
   */
  text(source: string, line: Place, isCompared = false): NginxValue {
    const parts = source
      .split(/(\$\{\w+\}|\$\w+)/)
      .map((part, i) =>
        i % 2 === 0 ? () => part : this.#value(part.replace(/[${}]/g, ''), line, isCompared),
      )
    if (parts.length === 3 && source.startsWith('$') && /^\$(?:\w+|\{\w+\})$/.test(source)) return parts[1]!
    if (parts.length === 1) return parts[0]!
    return (request) => parts.map((value) => value(request)).join('')
  }

  #value(name: string, line: Place, isCompared: boolean): NginxValue {
    if (/^\d$/.test(name)) return ({ variables }) => variables.get(name) ?? ''
    const own = this.#defined.get(name)
    if (own) {
      if (own.isOpen) throw new UnreadableLimits(line, `the variable $${name} depends on itself`)
      own.isOpen = true
      own.compiled ??= own.compile()
      own.isOpen = false
      return own.compiled
    }
    const known = Object.hasOwn(KNOWN, name) ? KNOWN[name] : undefined
    if (known) return known
    const tls = Object.hasOwn(OVER_TLS, name) ? OVER_TLS[name] : undefined
    if (tls !== undefined) {
      this.assumesTls ||= isCompared
      return () => tls
    }
    if (CONSTANT.has(name) && !isCompared) return () => name
    const why = QUERY.test(name) ? ': query strings of logs are not read' : ''
    throw new UnreadableLimits(line, `an access log does not tell the variable $${name}${why}`)
  }

  #define(name: string, make: () => NginxValue): void {
    const compile = () => {
      const value = make()
      // As NGINX keeps a variable for the time of a request.
      let [last, kept]: [NginxRequest | undefined, string] = [undefined, '']
      return (request: NginxRequest) => {
        if (request !== last) [last, kept] = [request, value(request)]
        return kept
      }
    }
    this.#defined.set(name, { compile })
  }

  #map(source: string, block: readonly Directive[], line: Place): NginxValue {
    const of = this.text(source, line, true)
    const plain = new Map<string, NginxValue>()
    const patterns: { match: NginxTest; value: NginxValue }[] = []
    let otherwise: NginxValue = () => ''
    for (const { name, args, line: at } of block) {
      if (name === 'volatile' && args.length === 0) continue
      if (args.length !== 1) throw new UnreadableLimits(at, `${name} of a map is not understood`)
      const value = this.text(args[0]!, at)
      if (name === 'default') otherwise = value
      else if (name.startsWith('~')) patterns.push({ match: nginxPattern(name.slice(1), at), value })
      else plain.set(name.replace(/^\\/, '').toLowerCase(), value)
    }
    return (request) => {
      const text = of(request)
      const found = plain.get(text.toLowerCase()) ?? patterns.find(({ match }) => match(text, request))?.value
      return (found ?? otherwise)(request)
    }
  }

  #geo(source: string, block: readonly Directive[], line: Place): NginxValue {
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

export type NginxTest = (text: string, request: NginxRequest) => boolean

/** A pattern that sets the variables of its groups. @param source `*` before it ignores case */
export function nginxPattern(source: string, line: Place): NginxTest {
  const isInsensitive = source.startsWith('*')
  const pattern = expression(isInsensitive ? source.slice(1) : source, line, isInsensitive ? 'i' : '')
  return (text, { variables }) => {
    const match = pattern.exec(text)
    if (!match) return false
    for (let i = 0; i < Math.max(10, match.length); i++) variables.set(`${i}`, match[i] ?? '')
    for (const [name, capture] of Object.entries(match.groups ?? {})) variables.set(name, capture ?? '')
    return true
  }
}
