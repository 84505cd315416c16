import {
  haproxySample,
  rateSource,
  term,
  type ExpressionContext,
  type RateSource,
  type Sample,
  type Scope,
  type Term,
} from './haproxy-expression.js'
import { UnreadableLimits } from './limits.js'

export interface Literal {
  readonly isNegated: boolean
  readonly term: Term
}

/** Alternatives of terms that must all hold; none: always. */
export interface Condition {
  readonly alternatives: readonly (readonly Literal[])[]
  readonly isUnless: boolean
}

export type Rule = { readonly when: Condition; readonly line: number } & (
  | { readonly kind: 'set'; readonly name: string; readonly value: Sample }
  | { readonly kind: 'set-rate'; readonly name: string; readonly rate: RateSource }
  | { readonly kind: 'unset'; readonly name: string }
  | { readonly kind: 'track'; readonly counter: number; readonly key: Sample; readonly table: string }
  | { readonly kind: 'end'; readonly name: string }
  | { readonly kind: 'allow' }
)

/** A line of rules, as it stands. */
export interface RuleLine {
  readonly words: readonly string[]
  readonly line: number
}

/** Actions that end a request. Those of a rate reject it. */
const ENDING = new Set(['deny', 'tarpit', 'reject', 'silent-drop', 'return', 'redirect', 'use-service'])
/** Actions that change what the rules below see, or the answer to which no log tells. */
const CHANGING =
  /^(?:set-path|set-pathq|set-uri|set-query|replace-path|replace-pathq|replace-uri|set-method|normalize-uri|auth|lua\..*|sc-.*|strict-mode)$/
const HARMLESS =
  /^(?:(?:set|add|del|replace)-(?:header|acl|map)|set-log-level|capture|cache-use|set-mark|set-tos|set-nice|set-priority-\w+|wait-for-\w+|set-src|set-src-port|set-dst|set-dst-port|early-hint|track-sc\d|disable-l7-retry|set-bandwidth-limit|set-timeout|expect-proxy|expect-netscaler-cip|switch-mode|set-var-fmt.*|do-resolve.*|set-fc-.*|set-bc-.*)$/

/** Whether a line counts or compares a rate, or ends a request: only such lines and those before them matter. */
export function countsOrCompares({ words }: RuleLine): boolean {
  return words.some((word) => /^track-sc\d$/.test(word) || /http_req_rate/.test(word))
}

/** The rule of a line; null for one that changes nothing here. @throws UnreadableLimits */
export function ruleOf(
  { words, line }: RuleLine,
  context: ExpressionContext,
  acls: ReadonlyMap<string, readonly RuleLine[]>,
): Rule | null {
  const [action = '', expression = ''] = words
  const when = () => conditionOf(words, context, acls, line)
  const [, what, name] = /^(set|unset)-var\(([^)]+)\)$/.exec(action) ?? []
  if (name !== undefined) {
    if (what === 'unset') return { kind: 'unset', name, when: when(), line }
    return setRule(name, expression, context, when, line)
  }
  if (/^track-sc\d$/.test(action)) {
    const table = words.includes('table') ? words[words.indexOf('table') + 1]! : context.section
    const key = haproxySample(expression, context, line)
    return { kind: 'track', counter: Number(action.slice(8)), key, table, when: when(), line }
  }
  if (ENDING.has(action)) return { kind: 'end', name: `${action} of line ${line}`, when: when(), line }
  if (action === 'allow' || action === 'accept') return { kind: 'allow', when: when(), line }
  if (HARMLESS.test(action)) return null
  const reason = CHANGING.test(action)
    ? 'is not understood where rates are counted or compared below'
    : 'is not understood'
  throw new UnreadableLimits(line, `${words.join(' ').slice(0, 80)} ${reason}`)
}

/** A variable of what no log tells matters only where it is used. */
function setRule(
  name: string,
  source: string,
  context: ExpressionContext,
  when: () => Condition,
  line: number,
): Rule | null {
  try {
    const rate = rateSource(source, context, line)
    if (rate) {
      context.rateVariables.add(name)
      return { kind: 'set-rate', name, rate, when: when(), line }
    }
    return { kind: 'set', name, value: haproxySample(source, context, line), when: when(), line }
  } catch (error) {
    if (!(error instanceof UnreadableLimits)) throw error
    context.untold.set(name, `the variable ${name} is not known, as of ${error.message}`)
    return null
  }
}

/** What follows `if` or `unless`. */
export function conditionOf(
  words: readonly string[],
  context: ExpressionContext,
  acls: ReadonlyMap<string, readonly RuleLine[]>,
  line: number,
): Condition {
  const start = words.findIndex((word) => word === 'if' || word === 'unless')
  if (start < 0) return { alternatives: [[]], isUnless: false }
  let alternatives: Literal[][] = [[]]
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
      alternatives.at(-1)!.push({ isNegated, term: term(words.slice(i + 1, end), context, line) })
      i = end
    } else alternatives = withAcl(alternatives, aclTerms(word, context, acls, line), isNegated)
  }
  return { alternatives, isUnless: words[start] === 'unless' }
}

/** An acl of several lines holds when one of them does. */
function withAcl(alternatives: Literal[][], terms: readonly Term[], isNegated: boolean): Literal[][] {
  const [before, last] = [alternatives.slice(0, -1), alternatives.at(-1)!]
  if (isNegated) return [...before, [...last, ...terms.map((each) => ({ isNegated, term: each }))]]
  return [...before, ...terms.map((each) => [...last, { isNegated, term: each }])]
}

const METHODS = /^METH_(CONNECT|DELETE|GET|HEAD|OPTIONS|POST|PUT|TRACE)$/

function aclTerms(
  name: string,
  context: ExpressionContext,
  acls: ReadonlyMap<string, readonly RuleLine[]>,
  line: number,
): Term[] {
  const own = acls.get(name)
  if (own) return own.map((each) => term(each.words, context, each.line))
  if (/^(?:TRUE|HTTP|HTTP_1\.[01]|HTTP_2\.0|WAIT_END|HTTP_URL_ABS|HTTP_CONTENT)$/.test(name)) {
    if (name === 'TRUE' || name === 'HTTP' || name === 'WAIT_END') return [term(['TRUE'], context, line)]
  }
  if (name === 'FALSE') return [term(['FALSE'], context, line)]
  const [, method] = METHODS.exec(name) ?? []
  if (method === 'GET') return [term(['method', 'GET', 'HEAD'], context, line)]
  if (method !== undefined) return [term(['method', method], context, line)]
  if (name === 'LOCALHOST') return [term(['src', '127.0.0.0/8', '::1'], context, line)]
  throw new UnreadableLimits(line, `there is no acl ${name.slice(0, 80)}`)
}

/** What is left of a condition for a request: alternatives of rates to compare. */
export function remaining(
  { alternatives, isUnless }: Condition,
  scope: Scope,
  line: number,
): readonly Literal[][] | boolean {
  const left: Literal[][] = []
  let isMet = false
  for (const all of alternatives) {
    if (all.some(({ term: each }) => each.kind === 'connections')) continue
    if (!all.every(({ isNegated, term: each }) => each.kind !== 'test' || each.test(scope) !== isNegated))
      continue
    const rates = all.filter(({ term: each }) => each.kind === 'rate')
    if (rates.length === 0) isMet = true
    else left.push(rates)
  }
  if (!isUnless) return isMet || left.length === 0 ? isMet : left
  if (isMet) return false
  if (left.length === 0) return true
  if (left.length > 1) throw new UnreadableLimits(line, 'unless with several rates is not understood')
  return left[0]!.map(({ isNegated, term: each }) => [{ isNegated: !isNegated, term: each }])
}
