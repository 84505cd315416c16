import { pathTemplate } from '../../models/traffic/path-template.js'

const PLACEHOLDER = '{id}'

/** As long as a path of the interface. */
const MAX_ROUTE_LENGTH = 2048

/** A parameter that takes the rest of the path: `*`, `{*path}`, `{path...}`, `{path:.*}`, `<path:rest>`, `:rest*`. */
const CATCH_ALL = /\*|\.{3}\}|<path:|:path\}|\.\+|:\w+\+/

/** A parameter of Express, Gin, Rails: `:name` or `:name?`; not the verb of `/batches:run`. */
const COLON_PARAMETER = /(?<![\w:]):[A-Za-z_]\w*\??/g

const BRACKETS: Readonly<Record<string, string>> = { '{': '}', '(': ')', '<': '>' }

/**
 * The template of a route as a framework declares it (`http.route`), in the form of {@link pathTemplate}: every
 * parameter is `{id}`. It is its own template, so that it can stand in place of a path. Paths whose parameters are
 * numbers, UUIDs or hashes have the same template.
 *
 * Knows the parameters of Express (`:id`, `:id(\d+)`), OpenAPI and Spring (`{id}`, `{id:[0-9]+}`), ASP.NET (`{id?}`),
 * Flask and Django (`<int:id>`, `(?P<id>\d+)`).
 *
 * @returns undefined for a route that names no endpoint: none at all, `/` (which mounted handlers report), or one that
 *   takes any rest of a path, such as `/static/*`
 * @example routeTemplate('/users/:userId/orders/{orderId:[0-9]+}') // '/users/{id}/orders/{id}'
 */
export function routeTemplate(route: string): string | undefined {
  if (route.length > MAX_ROUTE_LENGTH || CATCH_ALL.test(withoutPatterns(route))) return undefined
  const plain = replaceBrackets(route.replace(/^\^/, '').replace(/\$$/, '')).replace(
    COLON_PARAMETER,
    PLACEHOLDER,
  )
  const path = plain.startsWith('/') ? plain : `/${plain}`
  return path === '/' ? undefined : pathTemplate(path)
}

/** Without what only says which texts a parameter takes: `[^/]+`, `[0-9]*`, `\d+`. */
function withoutPatterns(route: string): string {
  return route.replace(/(?:\[[^\]]*\]|\\[a-zA-Z])[*+]?/g, '')
}

/** Brackets, with what is within them, are parameters; the pattern after `:name` belongs to that. */
function replaceBrackets(route: string): string {
  let template = ''
  for (let i = 0; i < route.length; i++) {
    const close = BRACKETS[route[i]!]
    if (close === undefined) {
      template += route[i]
      continue
    }
    const end = closingBracket(route, i, close)
    if (end < 0) return template + route.slice(i)
    if (route[i] !== '(' || !/:[A-Za-z_]\w*$/.test(template.slice(-64))) template += PLACEHOLDER
    i = end
  }
  return template
}

/** @returns -1 when the bracket is never closed */
function closingBracket(route: string, open: number, close: string): number {
  let depth = 0
  for (let i = open; i < route.length; i++) {
    if (route[i] === '\\') i++
    else if (route[i] === route[open]) depth++
    else if (route[i] === close && --depth === 0) return i
  }
  return -1
}
