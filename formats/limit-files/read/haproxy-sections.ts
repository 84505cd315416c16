import { haproxyWords } from './haproxy-expression.js'
import { countsOrCompares, type RuleLine } from './haproxy-rules.js'
import { durationMs, UnreadableLimits } from './limits.js'

export interface Table {
  readonly windowMs: number
  readonly expireMs: number
  /** Addresses of IPv4 alone. */
  readonly isV4: boolean
  /** Characters that a key has at most. */
  readonly maxLength: number
}

/** A proxy of a configuration, or a named section of defaults. */
export interface Section {
  readonly kind: string
  readonly name: string
  readonly line: number
  /** The named defaults that it begins with. */
  readonly from: string | null
  readonly acls: Map<string, RuleLine[]>
  readonly tcp: RuleLine[]
  readonly http: RuleLine[]
  readonly backends: RuleLine[]
  defaultBackend: string | null
  isAnswering: boolean
  hasTls: boolean
}

const PROXIES = new Set(['frontend', 'backend', 'listen', 'defaults'])
const SECTIONS =
  /^(?:global|resolvers|peers|userlist|cache|mailers|program|http-errors|ring|fcgi-app|log-forward|crt-store|traces)$/

export interface Configuration {
  readonly sections: readonly Section[]
  /** By their name. */
  readonly tables: ReadonlyMap<string, Table>
}

/** @throws UnreadableLimits naming a line that would change which lines count */
export function haproxySections(text: string): Configuration {
  const sections: Section[] = []
  const tables = new Map<string, Table>()
  let current: Section | null = null
  text.split('\n').forEach((source, i) => {
    const line = i + 1
    const words = haproxyWords(source)
    const [first = '', second = ''] = words
    if (/^\.(?:if|elif|else|endif)$/.test(first))
      throw new UnreadableLimits(line, `${first} is not understood`)
    if (PROXIES.has(first)) {
      const from = words.indexOf('from')
      current = newSection(
        first,
        second === 'from' ? '' : second,
        line,
        from < 0 ? null : (words[from + 1] ?? null),
      )
      if (first === 'listen' || first === 'frontend') inheritBackend(current, sections)
      sections.push(current)
    } else if (SECTIONS.test(first)) current = null
    else if (current) readLine(current, words, line, tables)
    else if (first === 'table' || first === 'stick-table') readTable(second, words, line, tables)
  })
  return { sections, tables }
}

function newSection(kind: string, name: string, line: number, from: string | null): Section {
  const lists = { acls: new Map<string, RuleLine[]>(), tcp: [], http: [], backends: [] }
  return { kind, name, line, from, ...lists, defaultBackend: null, isAnswering: false, hasTls: false }
}

function inheritBackend(section: Section, before: readonly Section[]): void {
  const defaults = before.findLast(({ kind, name }) => kind === 'defaults' && (section.from ?? name) === name)
  section.defaultBackend = defaults?.defaultBackend ?? null
}

function readLine(
  section: Section,
  words: readonly string[],
  line: number,
  tables: Map<string, Table>,
): void {
  const [first = '', second = '', ...rest] = words
  if (first === 'stick-table') readTable(section.name, words, line, tables)
  else if (first === 'acl')
    section.acls.set(second, [...(section.acls.get(second) ?? []), { words: rest, line }])
  else if (first === 'http-request') section.http.push({ words: [second, ...rest], line })
  else if (first === 'tcp-request' && second !== 'inspect-delay') section.tcp.push({ words: rest, line })
  else if (first === 'redirect') section.http.push({ words: ['redirect', second, ...rest], line })
  else if (first === 'block') section.http.push({ words: ['deny', second, ...rest], line })
  else if (first === 'use_backend') section.backends.push({ words: [second, ...rest], line })
  else if (first === 'default_backend') section.defaultBackend = second
  else if (first === 'bind') section.hasTls ||= rest.includes('ssl')
  else if (first === 'stats' && second === 'enable') section.isAnswering = true
}

function readTable(name: string, words: readonly string[], line: number, tables: Map<string, Table>): void {
  const store = words.flatMap((word, i) => (words[i - 1] === 'store' ? [word] : [])).join(',')
  const [, period] = /http_req_rate\(([^)]+)\)/.exec(store) ?? []
  if (period === undefined) return
  const windowMs = durationMs(period)
  if (!(windowMs >= 1)) throw new UnreadableLimits(line, `the period ${period} is not understood`)
  const expire = words.indexOf('expire')
  const expireMs = expire < 0 ? Infinity : durationMs(words[expire + 1] ?? '')
  const [type = '', length] = [words[words.indexOf('type') + 1], words[words.indexOf('len') + 1]]
  // Without a length, HAProxy keeps 31 characters.
  const maxLength = type === 'string' ? (words.includes('len') ? Number(length) : 31) : Infinity
  tables.set(name, { windowMs, expireMs, isV4: type === 'ip', maxLength })
}

/** Whether rates are counted or compared in a section. */
export function hasRates({ tcp, http, acls }: Section): boolean {
  return [...tcp, ...http, ...[...acls.values()].flat()].some(countsOrCompares)
}

/** Whether every request is answered there: such frontends only redirect, often to TLS. */
export function answersAll({ http, isAnswering, hasTls }: Section): boolean {
  const first = http.find(({ words }) => /^(?:redirect|return|deny|use-service)$/.test(words[0] ?? ''))
  if (isAnswering || first === undefined) return isAnswering
  const start = first.words.findIndex((word) => word === 'if' || word === 'unless')
  const condition = first.words.slice(start).join(' ')
  return start < 0 || (!hasTls && /^(?:unless \{ ssl_fc \}|if !\s?\{ ssl_fc \})$/.test(condition))
}
