/** What a gateway declares about its paths. */
export interface PathRules {
  /** Endpoints by template, `/shop/{category}/{item}`; those of an OpenAPI document are among them. */
  readonly templates: readonly string[]
  /** Paths that are no endpoints, `/health`, `/static/**`: `*` is any text within a segment, `**` any text. */
  readonly ignore: readonly string[]
  readonly caseInsensitive: boolean
  /** `/users/` is the endpoint of `/users`. */
  readonly ignoreTrailingSlash: boolean
  /** The host of an absolute URL is part of the endpoint: `shop.example.com/items/{id}`. */
  readonly host: boolean
}

export const NO_RULES: PathRules = {
  templates: [],
  ignore: [],
  caseInsensitive: false,
  ignoreTrailingSlash: false,
  host: false,
}

/** The same rules, with their fields in one order: equal rules have equal texts. */
export function inOrder(rules: PathRules): PathRules {
  const { templates, ignore, caseInsensitive, ignoreTrailingSlash, host } = rules
  return { templates, ignore, caseInsensitive, ignoreTrailingSlash, host }
}

export function areSameRules(a: PathRules, b: PathRules): boolean {
  return JSON.stringify(inOrder(a)) === JSON.stringify(inOrder(b))
}

/** Rules that are not as they must be. */
export class PathRulesError extends TypeError {
  constructor(
    /** Empty where all of them are meant. */
    readonly field: string,
    /** `must be …`. */
    readonly problem: string,
    options?: ErrorOptions,
  ) {
    super(`${field || 'the rules'} ${problem}`, options)
  }
}

/** What a document with rules may contain. */
const FIELDS = ['templates', 'ignore', 'openapi', 'case_insensitive', 'trailing_slash', 'host']

const MAX_DECLARED = 2_000
const MAX_IGNORED = 200
const MAX_PATTERN_LENGTH = 255
/** A database keeps neither. */
const UNSTORABLE = /\0|\p{Cs}/u
/** More would make a match slow. */
const MAX_STARS = 4

/** `/shop/{category}/{item}`, with a host before it or without. */
const TEMPLATE = /^[^/?#{}]*(?:\/(?:[^/?#{}]|\{[^/?#{}]+\})*)+$/

/**
 * Reads rules from a document, `{"templates": […], "ignore": […], "openapi": …, "case_insensitive": false,
 * "trailing_slash": "strict", "host": false}`; all fields are optional.
 *
 * @param openApi reads the document that `openapi` refers to, where it is a text and not the document itself
 * @throws PathRulesError naming the field and what is allowed
 */
export function parsePathRules(document: unknown, openApi: (reference: string) => unknown): PathRules {
  const fields = objectOf(document, '', 'a JSON object')
  const unknown = Object.keys(fields).find((name) => !FIELDS.includes(name))
  if (unknown !== undefined) fail(unknown.slice(0, 50), `is not known; allowed are ${FIELDS.join(', ')}`)
  const { trailing_slash: slash = 'strict', openapi } = fields
  if (slash !== 'strict' && slash !== 'ignore') fail('trailing_slash', 'must be strict or ignore')
  const declared = listOf(fields, 'templates', MAX_DECLARED)
  const ofDocument = openapi === undefined ? [] : openApiTemplates(documentOf(openapi, openApi))
  const templates = [...new Set([...declared, ...ofDocument])]
  if (templates.length > MAX_DECLARED)
    fail('templates', `must be ${MAX_DECLARED} or fewer, with those of openapi`)
  const long = ofDocument.find((template) => !isPattern(template))
  if (long !== undefined)
    fail('openapi', `must have paths of 1 to ${MAX_PATTERN_LENGTH} characters, not ${long.slice(0, 80)}`)
  const wrong = templates.find((template) => !TEMPLATE.test(template))
  if (wrong !== undefined)
    fail('templates', `must be like /shop/{category}/{item}, not ${wrong.slice(0, 80)}`)
  const ignore = listOf(fields, 'ignore', MAX_IGNORED)
  const slow = ignore.find((pattern) => pattern.split(/\*+/).length - 1 > MAX_STARS)
  if (slow !== undefined) fail('ignore', `must have at most ${MAX_STARS} wildcards, not ${slow.slice(0, 80)}`)
  return {
    templates,
    ignore,
    caseInsensitive: booleanOf(fields, 'case_insensitive'),
    ignoreTrailingSlash: slash === 'ignore',
    host: booleanOf(fields, 'host'),
  }
}

/** The document itself, or what it refers to. */
function documentOf(openapi: unknown, read: (reference: string) => unknown): unknown {
  if (typeof openapi !== 'string') return openapi
  try {
    return read(openapi)
  } catch (error) {
    throw new PathRulesError('openapi', (error as Error).message.replace(/^openapi /, ''), { cause: error })
  }
}

/**
 * The paths of an OpenAPI document, below the path of its first server.
 * @throws PathRulesError when it has none
 */
function openApiTemplates(document: unknown): string[] {
  const { paths, servers, basePath } = objectOf(document, 'openapi', 'an OpenAPI document')
  const names = Object.keys(objectOf(paths, 'openapi', 'an OpenAPI document with paths'))
    // What is no path is an extension of the document.
    .filter((name) => !name.startsWith('x-'))
  const base = typeof basePath === 'string' ? basePath : serverPath(servers)
  return names.map((path) => `${base.replace(/\/+$/, '')}${path}`)
}

/** `https://example.com/v1` -> `/v1`. */
function serverPath(servers: unknown): string {
  const url: unknown = Array.isArray(servers) ? (servers[0] as { url?: unknown } | undefined)?.url : undefined
  return typeof url === 'string' ? url.replace(/^(?:[a-z][a-z\d+.-]*:)?\/\/[^/]*/i, '') : ''
}

function objectOf(value: unknown, field: string, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  return fail(field, `must be ${what}`)
}

function listOf(fields: Record<string, unknown>, name: string, max: number): string[] {
  const list = fields[name] ?? []
  if (Array.isArray(list) && list.length <= max && list.every(isPattern)) return list as string[]
  return fail(name, `must be a list of up to ${max} texts of 1 to ${MAX_PATTERN_LENGTH} characters`)
}

function isPattern(each: unknown): boolean {
  const isText = typeof each === 'string' && each.length > 0 && each.length <= MAX_PATTERN_LENGTH
  return isText && !UNSTORABLE.test(each)
}

function booleanOf(fields: Record<string, unknown>, name: string): boolean {
  const value = fields[name] ?? false
  return typeof value === 'boolean' ? value : fail(name, 'must be true or false')
}

function fail(field: string, problem: string): never {
  throw new PathRulesError(field, problem)
}
