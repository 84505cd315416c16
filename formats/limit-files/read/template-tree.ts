import { isTemplate, pathPattern } from '../path-pattern.js'

/** A segment of a template; one with a placeholder is a pattern. */
interface Branch {
  readonly literals: Map<string, Branch>
  readonly patterns: { readonly source: string; readonly expression: RegExp; readonly next: Branch }[]
  /** Places of the templates that end here, ascending. */
  readonly places: number[]
}

/**
 * Finds the templates that match a path exactly, among thousands: a tree of their segments, as no placeholder stands for
 * a slash. Linear in the segments of the path, times the patterns beside each.
 */
export class TemplateTree {
  readonly #root = branch()

  /** @param templates in the order of their places */
  constructor(templates: readonly string[]) {
    for (const [place, template] of templates.entries()) {
      let at = this.#root
      for (const segment of template.split('/'))
        at = isTemplate(segment) ? patternOf(at, segment) : literalOf(at, segment)
      at.places.push(place)
    }
  }

  /** The places of the templates that match, ascending. */
  matching(path: string): number[] {
    let present = [this.#root]
    for (const segment of path.split('/')) {
      present = present.flatMap(({ literals, patterns }) => {
        const literal = literals.get(segment)
        const matching = patterns.filter(({ expression }) => expression.test(segment)).map(({ next }) => next)
        return literal ? [literal, ...matching] : matching
      })
    }
    return present.flatMap(({ places }) => places).sort((a, b) => a - b)
  }
}

function branch(): Branch {
  return { literals: new Map(), patterns: [], places: [] }
}

function literalOf({ literals }: Branch, segment: string): Branch {
  const next = literals.get(segment) ?? branch()
  literals.set(segment, next)
  return next
}

function patternOf({ patterns }: Branch, segment: string): Branch {
  const known = patterns.find(({ source }) => source === segment)
  if (known) return known.next
  const expression = new RegExp(`^(?:${pathPattern(segment, 'units', 'raw')})$`)
  const next = branch()
  patterns.push({ source: segment, expression, next })
  return next
}
