import { MAX_TEMPLATE_LENGTH, pathTemplate, withoutQuery } from './path-template.js'
import { NO_RULES, type PathRules } from './path-rules.js'
import { VALUE } from './placeholders.js'
import { hasInOrder, Wildcards } from './wildcards.js'

/** A position with many different values: whatever follows the parent is `{value}`, but for the segments that are kept. */
export interface LearnedPosition {
  /** A template; empty at the root. */
  readonly parent: string
  /** Busy siblings, which stay endpoints of their own. */
  readonly kept: readonly string[]
}

export interface Folded {
  /** Of an ignored path, the pattern that it matches. */
  readonly template: string
  readonly kind: 'learned' | 'declared' | 'ignored'
  /** What became `{value}`. */
  readonly values?: readonly FoldedValue[]
}

export interface FoldedValue {
  /** Of a learned position. */
  readonly parent: string
  readonly value: string
}

/** A declared template as a tree of segments; a segment with a placeholder is a pattern, whatever its name. */
interface Branch {
  readonly literals: Map<string, Branch>
  /** By their literal texts. */
  readonly patterns: Map<string, { readonly parts: readonly string[]; readonly next: Branch }>
  template?: string
}

/** Longer paths are neither declared nor ignored. */
const MAX_MATCHED_LENGTH = 2_048
/** What follows is not looked at: servers take no longer paths, and a log may have some of any length. */
const MAX_FOLDED_LENGTH = 8_192
const ABSOLUTE = /^[a-z][a-z\d+.-]*:\/\/([^/?#]*)/i

const beginningOf = (path: string) =>
  path.length <= MAX_FOLDED_LENGTH ? path : path.slice(0, MAX_FOLDED_LENGTH).replace(/[\ud800-\udbff]$/, '')

/**
 * Which endpoint a path belongs to, by the rules of a gateway and by the positions that were learned: ignored paths,
 * then declared templates (a literal segment before a placeholder), then {@link pathTemplate}. Pure; linear in the
 * length of the path and in the number of rules.
 */
export class EndpointFolding {
  readonly #rules: PathRules
  readonly #learned: ReadonlyMap<string, ReadonlySet<string>>
  readonly #ignored: readonly { readonly pattern: string; readonly wildcards: Wildcards }[]
  readonly #declared = branch()

  constructor(rules: PathRules = NO_RULES, learned: readonly LearnedPosition[] = []) {
    this.#rules = rules
    this.#learned = new Map(learned.map(({ parent, kept }) => [parent, new Set(kept)]))
    this.#ignored = rules.ignore.map((pattern) => {
      return { pattern, wildcards: new Wildcards(this.#cased(pattern)) }
    })
    for (const template of rules.templates) this.#declare(template)
  }

  fold(path: string): Folded {
    const whole = this.#normalised(beginningOf(path))
    if (whole.length <= MAX_MATCHED_LENGTH) {
      const cased = this.#cased(whole)
      // What is declared without a host is meant for each.
      const host = cased.slice(0, this.#hostLength(cased))
      const path = cased.slice(host.length)
      const ignored = this.#ignored.find(
        ({ wildcards }) => wildcards.matches(cased) || (host !== '' && wildcards.matches(path)),
      )
      if (ignored) return { template: ignored.pattern, kind: 'ignored' }
      const declared = this.#rules.templates.length > 0 && match(this.#declared, cased.split('/'), 0)
      if (declared) return { template: declared, kind: 'declared' }
      const anywhere = host !== '' && match(this.#declared, path.split('/'), 0)
      if (anywhere && host.length + anywhere.length <= MAX_TEMPLATE_LENGTH)
        return { template: host + anywhere, kind: 'declared' }
    }
    // Shapes first: they depend on capitals.
    const template = this.#cased(pathTemplate(whole))
    return { ...(this.#learned.size === 0 ? { template } : this.#applyLearned(template)), kind: 'learned' }
  }

  /** Whether a number in a path may decide, so that paths of equal shape may have different templates. */
  get readsNumbers(): boolean {
    const { templates, ignore } = this.#rules
    return [...templates, ...ignore].some((each) => /\d|\*|[^/]\{|\}[^/]/.test(each))
  }

  /** What every path of a template begins with, but for absolute URLs. */
  prefixOf(template: string): string {
    return this.#rules.caseInsensitive || template === '/' ? '' : template.split(/[{*]/, 1)[0]!
  }

  /** The template alone. */
  template(path: string): string {
    return this.fold(path).template
  }

  #declare(template: string): void {
    let at = this.#declared
    for (const segment of this.#slashed(template).split('/')) {
      const source = this.#cased(segment)
      if (!segment.includes('{')) {
        const next = at.literals.get(source) ?? branch()
        at.literals.set(source, next)
        at = next
        continue
      }
      const parts = source.split(/\{[^}]*\}/)
      const key = parts.join('{}')
      const next = at.patterns.get(key)?.next ?? branch()
      at.patterns.set(key, { parts, next })
      at = next
    }
    at.template ??= template
  }

  #normalised(path: string): string {
    const plain = withoutQuery(path)
    const host = ABSOLUTE.exec(plain)
    if (host === null) return this.#slashed(plain)
    const rest = plain.slice(host[0].length) || '/'
    return this.#slashed(this.#rules.host ? hostName(host[1]!) + rest : rest)
  }

  #hostLength(path: string): number {
    return this.#rules.host && !path.startsWith('/') ? Math.max(0, path.indexOf('/')) : 0
  }

  #slashed(path: string): string {
    return this.#rules.ignoreTrailingSlash && path.length > 1 ? withoutEndSlashes(path) || '/' : path
  }

  #cased(text: string): string {
    return this.#rules.caseInsensitive ? text.toLowerCase() : text
  }

  #applyLearned(template: string): Pick<Folded, 'template' | 'values'> {
    const segments = template.split('/')
    const values: FoldedValue[] = []
    let folded = segments[0]!
    for (let i = 1; i < segments.length; i++) {
      const kept = this.#learned.get(folded)
      const segment = segments[i]!
      const isValue = kept !== undefined && segment !== '' && !kept.has(segment)
      if (isValue) values.push({ parent: folded, value: segment })
      folded += `/${isValue ? VALUE : segment}`
    }
    return folded.length <= MAX_TEMPLATE_LENGTH ? { template: folded, values } : { template }
  }
}

/** What is folded by shapes alone. */
export const PLAIN_FOLDING = new EndpointFolding()

function branch(): Branch {
  return { literals: new Map(), patterns: new Map() }
}

/** Each branch is visited once at most. */
function match(at: Branch, segments: readonly string[], i: number): string | undefined {
  if (i === segments.length) return at.template
  const segment = segments[i]!
  const literal = at.literals.get(segment)
  const found = literal && match(literal, segments, i + 1)
  if (found !== undefined) return found
  for (const { parts, next } of at.patterns.values()) {
    const found = hasInOrder(segment, parts) ? match(next, segments, i + 1) : undefined
    if (found !== undefined) return found
  }
  return undefined
}

/** Without user and port, in small letters. */
function hostName(authority: string): string {
  return authority
    .slice(authority.lastIndexOf('@') + 1)
    .replace(/\.?(?::\d*)?$/, '')
    .toLowerCase()
}

function withoutEndSlashes(path: string): string {
  let end = path.length
  while (end > 1 && path[end - 1] === '/') end--
  return path.slice(0, end)
}
