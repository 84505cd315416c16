import type { ExpressionContext, Scope } from './haproxy-expression.js'
import { OwnBuckets } from './haproxy-own.js'
import {
  conditionOf,
  countsOrCompares,
  remaining,
  ruleOf,
  type Condition,
  type Literal,
  type Rule,
  type RuleLine,
} from './haproxy-rules.js'
import { answersAll, haproxySections, hasRates, type Section, type Table } from './haproxy-sections.js'
import {
  UnreadableLimits,
  type AppliedLimit,
  type ComparedRate,
  type FileLimits,
  type ReadingContext,
} from './limits.js'

/** Rules that run one after the other: `allow` ends the list. */
type RuleList = readonly Rule[]

interface Route {
  readonly when: Condition
  readonly line: number
  readonly lists: readonly RuleList[]
}

/**
 * Stick tables with http_req_rate, track-sc, and what rejects by a rate, in the order in which HAProxy runs the rules of a
 * frontend and its backend; and the files of ours.
 */
export function haproxyLimits(text: string, context: ReadingContext = {}): FileLimits {
  const program = new Program(text, context)
  const { own, tables } = program
  return {
    gateway: 'haproxy',
    count: program.names.size + own.count,
    remarks: [...program.remarks, ...own.remarks],
    limitsOf(request) {
      const scope: Scope = { request, variables: new Map(), rates: new Map(), tracked: new Map() }
      const found: AppliedLimit[] = []
      if (program.lists.every((list) => runList(list, scope, tables, found))) {
        const route = program.routes.find(({ when, line }) => remaining(when, scope, line) === true)
        route?.lists.every((list) => runList(list, scope, tables, found))
      }
      return [...found, ...own.limitsOf(scope)]
    },
  }
}

/** @returns whether the request goes on */
function runList(
  rules: RuleList,
  scope: Scope,
  tables: ReadonlyMap<string, Table>,
  found: AppliedLimit[],
): boolean {
  for (const rule of rules) {
    const left = remaining(rule.when, scope, rule.line)
    if (left === false) continue
    if (rule.kind === 'end') {
      if (left === true) return false
      found.push(...left.flatMap((all) => comparedBy(all, rule.name, scope, tables)))
      continue
    }
    if (rule.kind === 'allow') return true
    if (rule.kind === 'set') {
      const value = rule.value(scope)
      if (value !== undefined) scope.variables.set(rule.name, value)
    } else if (rule.kind === 'set-rate') {
      const rate = rule.rate(scope)
      if (rate) scope.rates.set(rule.name, rate)
    } else if (rule.kind === 'unset') scope.variables.delete(rule.name)
    else track(rule, scope, tables, found)
  }
  return true
}

function track(
  { counter, key: of, table }: Extract<Rule, { kind: 'track' }>,
  scope: Scope,
  tables: ReadonlyMap<string, Table>,
  found: AppliedLimit[],
): void {
  const text = of(scope)
  const kept = tables.get(table)
  if (text === undefined || scope.tracked.has(counter)) return
  if (kept?.isV4 && text.includes(':')) return
  const key = kept ? text.slice(0, kept.maxLength) : text
  scope.tracked.set(counter, { table, key })
  if (!kept) return
  const { windowMs, expireMs } = kept
  found.push({ name: table, key, counting: { kind: 'counted', table, windowMs, expireMs } })
}

/** What is not tracked has no rate: it is not over a limit. */
function comparedBy(
  all: readonly Literal[],
  name: string,
  scope: Scope,
  tables: ReadonlyMap<string, Table>,
): AppliedLimit[] {
  const rates: ComparedRate[] = []
  for (const { isNegated, term } of all) {
    if (term.kind !== 'rate') continue
    const source = term.rate(scope)
    const kept = source && tables.get(source.table)
    if (!source || !kept) return []
    const { windowMs, expireMs } = kept
    const isOver = term.isOver !== isNegated
    const key = source.key.slice(0, kept.maxLength)
    rates.push({ table: source.table, key, windowMs, expireMs, limit: term.limit(scope), isOver })
  }
  return [{ name, key: '', counting: { kind: 'rates', rates } }]
}

class Program {
  readonly own = new OwnBuckets()
  readonly remarks: string[] = []
  readonly names = new Set<string>()
  readonly tables: ReadonlyMap<string, Table>
  readonly lists: readonly RuleList[]
  readonly routes: readonly Route[]
  readonly #sections: readonly Section[]
  readonly #context: ReadingContext
  readonly #shared = { untold: new Map<string, string>(), rateVariables: new Set<string>() }
  #comparesTls = false

  constructor(text: string, context: ReadingContext) {
    const { sections, tables } = haproxySections(text)
    this.#sections = sections
    this.#context = context
    this.tables = tables
    const frontend = this.#frontend()
    const behind = frontend ? this.#behind(frontend) : []
    const isRouted = behind.some(hasRates)
    this.lists = frontend ? this.#compiled(frontend, isRouted) : this.#ofDefaults()
    this.routes = frontend && isRouted ? this.#routesOf(frontend) : []
    if (this.names.size > 0 && tables.size === 0)
      throw new UnreadableLimits(1, 'no stick-table stores an http_req_rate')
    if (this.#comparesTls) this.remarks.push('Every request counts as sent over TLS (ssl_fc).')
  }

  /** Files of ours have their rules in named defaults. */
  #ofDefaults(): RuleList[] {
    return this.#sections
      .filter(({ kind, name }) => kind === 'defaults' && name !== '')
      .flatMap((each) => this.#compiled(each, false))
  }

  #frontend(): Section | null {
    const all = this.#sections.filter(({ kind }) => kind === 'frontend' || kind === 'listen')
    const { server } = this.#context
    if (server !== undefined) {
      const named = all.find(({ name }) => name === server)
      if (named) return named
      throw new UnreadableLimits(1, `there is no frontend ${server.slice(0, 80)} (${namesOf(all)})`)
    }
    const rest = all.filter((each) => !answersAll(each) || (hasRates(each) && all.length === 1))
    if (rest.length > 1) {
      throw new UnreadableLimits(
        rest[1]!.line,
        `there are ${rest.length} frontends, and a log does not tell which: give --server (${namesOf(rest)})`,
      )
    }
    for (const { name } of all.filter((each) => !rest.includes(each)))
      this.remarks.push(`The frontend ${name} only answers by itself: its requests have no limit.`)
    return rest[0] ?? null
  }

  #behind({ backends, defaultBackend }: Section): Section[] {
    const names = new Set([...backends.map(({ words }) => words[0]), defaultBackend])
    const isDynamic = backends.some(({ words }) => words[0]?.startsWith('%['))
    return this.#sections.filter(({ kind, name }) => kind === 'backend' && (isDynamic || names.has(name)))
  }

  /** The tcp-request rules come before the http-request rules. Lines after the last that matters are not looked at. */
  #compiled(section: Section, isRouted: boolean): RuleList[] {
    const defaults = this.#sections.find(
      ({ kind, name }) => kind === 'defaults' && name !== '' && name === section.from,
    )
    const parts = [defaults, section].filter((each) => each !== undefined)
    return (['tcp', 'http'] as const).map((kind) =>
      parts.flatMap((part) =>
        this.#rules(part[kind], part, isRouted || (kind === 'tcp' && hasRates(section))),
      ),
    )
  }

  #rules(lines: readonly RuleLine[], section: Section, areAllNeeded: boolean): Rule[] {
    const { acls } = section
    const variables = [...new Set(lines.flatMap(rateVariableOf))]
    for (const name of variables) this.#shared.rateVariables.add(name)
    const names = (each: RuleLine) =>
      countsOrCompares(each) || each.words.some((word) => variables.some((name) => word.includes(name)))
    const rated = new Set([...acls].filter(([, all]) => all.some(names)).map(([name]) => name))
    const matters = (each: RuleLine) =>
      names(each) || OwnBuckets.isPart(each) || each.words.some((word) => rated.has(word.replace(/^!+/, '')))
    const last = areAllNeeded ? lines.length - 1 : lines.findLastIndex(matters)
    const context = this.#contextOf(section)
    return lines.slice(0, last + 1).flatMap((each) => {
      const own = this.own.read(each)
      if (own !== null) return own
      const rule = ruleOf(each, context, acls)
      if (rule?.kind === 'track') this.#assertKey(rule, each)
      this.#comparesTls ||= rule !== null && each.words.includes('ssl_fc')
      if (rule) this.#note(rule)
      return rule ?? []
    })
  }

  /** As text, the key ends at its first zero byte, which the hash or the address may have. */
  #assertKey({ table, line }: Extract<Rule, { kind: 'track' }>, { words }: RuleLine): void {
    if (words[1] === 'base32+src' && Number.isFinite(this.tables.get(table)?.maxLength ?? Infinity))
      throw new UnreadableLimits(line, `base32+src needs a table of type binary: ${table} is of type string`)
  }

  #contextOf({ name, kind }: Section): ExpressionContext {
    const section = kind === 'defaults' ? '' : name
    return { files: this.#context.files, section, ...this.#shared }
  }

  #note({ kind, when, line, ...rule }: Rule): void {
    const terms = when.alternatives.flat().map(({ term }) => term)
    if (terms.some((term) => term.kind === 'connections'))
      this.remarks.push(`Line ${line} counts connections or bytes: it is not replayed.`)
    if (!terms.some((term) => term.kind === 'rate')) return
    if (kind !== 'end')
      throw new UnreadableLimits(line, 'a rate may decide only about deny, tarpit, reject and return')
    this.names.add((rule as { name: string }).name)
  }

  #routesOf({ backends, defaultBackend, acls, name, kind, ...rest }: Section): Route[] {
    const context = this.#contextOf({ backends, defaultBackend, acls, name, kind, ...rest })
    const routes = backends.map(({ words, line }) => {
      const [target = ''] = words
      if (target.startsWith('%[')) throw new UnreadableLimits(line, `use_backend ${target} is not understood`)
      return { when: conditionOf(words, context, acls, line), line, lists: this.#listsOf(target) }
    })
    if (defaultBackend === null) return routes
    return [
      ...routes,
      { when: { alternatives: [[]], isUnless: false }, line: 0, lists: this.#listsOf(defaultBackend) },
    ]
  }

  #listsOf(backend: string): RuleList[] {
    const section = this.#sections.find(({ kind, name }) => kind === 'backend' && name === backend)
    return section && hasRates(section) ? this.#compiled(section, false) : []
  }
}

function rateVariableOf({ words }: RuleLine): string[] {
  const [, name] = /^set-var\(([^)]+)\)$/.exec(words[0] ?? '') ?? []
  return name !== undefined && /http_req_rate/.test(words[1] ?? '') ? [name] : []
}

const namesOf = (sections: readonly Section[]) =>
  sections
    .map(({ name }) => name)
    .slice(0, 10)
    .join(', ')
    .slice(0, 200)
