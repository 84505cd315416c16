import { durationMs, UnreadableLimits, type AppliedLimit, type FileLimits } from './limits.js'
import { haproxySample, haproxyWords, term, type Scope, type Term } from './haproxy-expression.js'

type Condition = readonly (readonly { readonly isNegated: boolean; readonly term: Term }[])[]

type Rule =
  | {
      readonly kind: 'set'
      readonly name: string
      readonly value: ReturnType<typeof haproxySample>
      readonly when: Condition
    }
  | { readonly kind: 'unset'; readonly name: string; readonly when: Condition }
  | {
      readonly kind: 'track'
      readonly counter: number
      readonly key: ReturnType<typeof haproxySample>
      readonly table: string
      readonly when: Condition
    }
  | { readonly kind: 'deny'; readonly name: string; readonly when: Condition }
  | { readonly kind: 'allow'; readonly when: Condition }

/** Lines of the buckets of our own files: what they compute from the counters is replayed as a bucket. */
const BUCKET = /aegis_(?:now|\w+_(?:ahead|stale|over|used))\b|aegis_over\b|sc-set-gpt0|sc-inc-gpc/
const REJECTING = new Set(['deny', 'tarpit', 'reject', 'silent-drop'])
const ACTIONS = new Set(
  'set-header add-header del-header replace-header set-log-level capture set-path set-uri set-query replace-path replace-uri return redirect auth cache-use set-method set-mark set-tos set-nice wait-for-body'.split(
    ' ',
  ),
)
/** Of these, actions that change what the rules below see. */
const CHANGING = new Set([
  'set-path',
  'set-uri',
  'replace-path',
  'replace-uri',
  'set-method',
  'set-src',
  'normalize-uri',
])

/** Stick tables, http-request track and deny by http_req_rate, and the files of ours. */
export function haproxyLimits(text: string): FileLimits {
  const reader = new Reader()
  text.split('\n').forEach((line, i) => reader.read(haproxyWords(line), i + 1))
  const { rules, periods } = reader
  for (const rule of rules) {
    const counts = rule.kind === 'deny' && rule.when.some((all) => all.some((each) => each.term.rate))
    if (counts && periods.size === 0) throw new UnreadableLimits(1, 'no stick-table stores an http_req_rate')
  }
  const denies = rules.filter(
    ({ kind, when }) => kind === 'deny' && when.some((all) => all.some((each) => each.term.rate)),
  )
  return {
    gateway: 'haproxy',
    count: denies.length + reader.buckets,
    remarks: reader.hasOwnRemarks ? ['Long windows and failures of the file are not replayed.'] : [],
    limitsOf(request) {
      const scope: Scope = { request, variables: new Map() }
      const tracked = new Map<number, { key: string; table: string }>()
      const found: AppliedLimit[] = []
      for (const rule of rules) {
        if (rule.kind === 'deny') {
          for (const all of rule.when) found.push(...deniedBy(all, scope, tracked, periods, rule.name))
          continue
        }
        if (!holds(rule.when, scope)) continue
        if (rule.kind === 'allow') break
        if (rule.kind === 'unset') scope.variables.delete(rule.name)
        else if (rule.kind === 'set') {
          const value = rule.value(scope)
          if (value !== undefined) scope.variables.set(rule.name, value)
        } else if (!tracked.has(rule.counter)) {
          const key = rule.key(scope)
          if (key !== undefined) tracked.set(rule.counter, { key, table: rule.table })
        }
      }
      return [...found, ...ownBuckets(scope, tracked)]
    },
  }
}

/** The buckets of our own files: gpt0 of counter 0 for the gateway, of counter 1 for the endpoint. */
function ownBuckets({ variables }: Scope, tracked: ReadonlyMap<number, { key: string }>): AppliedLimit[] {
  return (['gateway', 'endpoint'] as const).flatMap((part, counter) => {
    const step = Number(variables.get(`txn.aegis_${part}_step`))
    const depth = Number(variables.get(`txn.aegis_${part}_depth`))
    const found = tracked.get(counter)
    if (!found || !(step > 0)) return []
    const burst = Math.round(depth / step)
    const perMinute = variables.get('txn.aegis_clock') === 'ms' ? 60_000 : 60_000_000
    const limit = Math.max(1, Math.round(perMinute / step))
    return [
      {
        name: `${part} limit`,
        key: found.key,
        counting: { kind: 'bucket', limit, burst, windowMs: 60_000 } as const,
      },
    ]
  })
}

function deniedBy(
  all: Condition[number],
  scope: Scope,
  tracked: ReadonlyMap<number, { key: string; table: string }>,
  periods: ReadonlyMap<string, number>,
  name: string,
): AppliedLimit[] {
  if (!all.every(({ isNegated, term: each }) => each.rate || each.test(scope) !== isNegated)) return []
  return all.flatMap(({ term: each }) => {
    if (!each.rate) return []
    const found = tracked.get(each.counter)
    const windowMs = found && periods.get(found.table)
    if (!found || windowMs === undefined) return []
    const key = `${found.table} ${found.key}`
    return [{ name, key, counting: { kind: 'sliding', limit: Math.max(0, each.limit), windowMs } as const }]
  })
}

function holds(when: Condition, scope: Scope): boolean {
  return (
    when.length === 0 ||
    when.some((all) => all.every(({ isNegated, term: each }) => !each.rate && each.test(scope) !== isNegated))
  )
}

class Reader {
  readonly rules: Rule[] = []
  /** Of tables, in milliseconds. */
  readonly periods = new Map<string, number>()
  buckets = 0
  hasOwnRemarks = false
  readonly #acls = new Map<string, Term[]>()
  #section = ''

  read(words: readonly string[], line: number): void {
    const [first = '', second = '', ...rest] = words
    if (
      /^(?:global|defaults|frontend|backend|listen|resolvers|peers|userlist|cache|mailers|program|http-errors|ring)$/.test(
        first,
      )
    ) {
      this.#section = second
      this.#acls.clear()
    } else if (first === 'stick-table') this.#table(words, line)
    else if (first === 'acl') {
      const name = `${second}`
      this.#acls.set(name, [...(this.#acls.get(name) ?? []), term(rest, line)])
    } else if (first === 'http-request' || (first === 'tcp-request' && second !== 'inspect-delay')) {
      const words = first === 'tcp-request' ? rest : [second, ...rest]
      this.#rule(words, line)
    }
  }

  #table(words: readonly string[], line: number): void {
    const store = words[words.indexOf('store') + 1] ?? ''
    const [, period] = /http_req_rate\(([^)]+)\)/.exec(store) ?? []
    if (period === undefined) return
    const windowMs = durationMs(period)
    if (!(windowMs >= 1)) throw new UnreadableLimits(line, `the period ${period} is not understood`)
    this.periods.set(this.#section, windowMs)
  }

  #rule(words: readonly string[], line: number): void {
    const [action = ''] = words
    const text = words.join(' ')
    if (BUCKET.test(text)) {
      if (/_step\b|date\(/.test(text) && /aegis_now\)? date/.test(text)) {
        this.#add({
          kind: 'set',
          name: 'txn.aegis_clock',
          value: () => (text.includes('0,ms') ? 'ms' : 'us'),
          when: [],
        })
      }
      if (/^sc-set-gpt0/.test(action)) this.buckets++
      if (/^sc-inc-gpc/.test(action)) this.hasOwnRemarks = true
      return
    }
    const when = this.#condition(words, line)
    const [, scoped, name] = /^(set|unset)-var\(([^)]+)\)$/.exec(action) ?? []
    if (scoped === 'set')
      this.#add({ kind: 'set', name: name!, value: haproxySample(words[1] ?? '', line), when })
    else if (scoped === 'unset') this.#add({ kind: 'unset', name: name!, when })
    else if (/^track-sc\d$/.test(action)) {
      const table = words.includes('table') ? words[words.indexOf('table') + 1]! : this.#section
      this.#add({
        kind: 'track',
        counter: Number(action.slice(8)),
        key: haproxySample(words[1] ?? '', line),
        table,
        when,
      })
    } else if (REJECTING.has(action)) {
      this.#assertDeny(when, line)
      this.#add({ kind: 'deny', name: `${action} of line ${line}`, when })
    } else if (action === 'allow' || action === 'accept') this.#add({ kind: 'allow', when })
    else if (CHANGING.has(action) || !ACTIONS.has(action)) {
      throw new UnreadableLimits(line, `http-request ${text.slice(0, 80)} is not understood`)
    }
  }

  #assertDeny(when: Condition, line: number): void {
    for (const { isNegated, term: each } of when.flat()) {
      if (each.rate && isNegated) throw new UnreadableLimits(line, 'the opposite of a rate is not understood')
    }
  }

  #add(rule: Rule): void {
    this.rules.push(rule)
  }

  /** What follows `if` or `unless`: alternatives of terms that must all hold. */
  #condition(words: readonly string[], line: number): Condition {
    const start = words.findIndex((word) => word === 'if' || word === 'unless')
    if (start < 0) return []
    const isUnless = words[start] === 'unless'
    let alternatives: { isNegated: boolean; term: Term }[][] = [[]]
    for (let i = start + 1; i < words.length; i++) {
      let word = words[i]!
      if (word === 'or' || word === '||') {
        alternatives.push([])
        continue
      }
      let isNegated = false
      while (word.startsWith('!')) {
        isNegated = !isNegated
        word = word.slice(1) || words[++i] || ''
      }
      if (word === '{') {
        const end = words.indexOf('}', i)
        if (end < 0) throw new UnreadableLimits(line, 'a condition has no }')
        alternatives.at(-1)!.push({ isNegated, term: term(words.slice(i + 1, end), line) })
        i = end
      } else alternatives = this.#withAcl(alternatives, word, isNegated, line)
    }
    if (!isUnless) return alternatives
    if (alternatives.length > 1) throw new UnreadableLimits(line, 'unless with or is not understood')
    return alternatives[0]!.map((each) => [{ ...each, isNegated: !each.isNegated }])
  }

  /** An acl of several lines holds when one of them does. */
  #withAcl(
    alternatives: { isNegated: boolean; term: Term }[][],
    name: string,
    isNegated: boolean,
    line: number,
  ): { isNegated: boolean; term: Term }[][] {
    const terms = this.#acls.get(name) ?? predefined(name)
    if (!terms) throw new UnreadableLimits(line, `there is no acl ${name}`)
    const before = alternatives.slice(0, -1)
    const last = alternatives.at(-1)!
    if (isNegated) return [...before, [...last, ...terms.map((each) => ({ isNegated, term: each }))]]
    return [...before, ...terms.map((each) => [...last, { isNegated, term: each }])]
  }
}

function predefined(name: string): Term[] | undefined {
  const methods: Readonly<Record<string, string>> = {
    METH_GET: 'GET',
    METH_POST: 'POST',
    METH_HEAD: 'HEAD',
    METH_OPTIONS: 'OPTIONS',
    METH_DELETE: 'DELETE',
    METH_PUT: 'PUT',
  }
  if (name === 'TRUE' || name === 'FALSE') return [term([name], 0)]
  const method = methods[name]
  return method === undefined ? undefined : [term(['method', method], 0)]
}
