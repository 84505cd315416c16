import { commentText, describe, type RateLimitEntry } from '../limit-entry.js'
import { isTemplate, literalPattern, pathPattern } from '../path-pattern.js'
import { longLines, rateLines, rule, type Clock } from './bucket.js'
import type { Programs } from './programs.js'

/** Patterns of a line: HAProxy takes 64 words and 2,048 characters. */
const MAX_WORDS = 40
const MAX_CHARACTERS = 1700
const MAX_PLAIN = 120
const PLAIN_PATH = /^\/[A-Za-z0-9/_.~-]*$/

/** Endpoints with the same limit; the paths without a placeholder are looked up in one tree. */
interface Group {
  readonly number: number
  readonly first: RateLimitEntry
  readonly method: string | null
}

/**
 * Sets the endpoint of a request: the number of its group, a colon, and its path or the number of its template. Then
 * the rate of the group and the key of the table.
 */
export function endpointLines(
  endpoints: readonly RateLimitEntry[],
  other: RateLimitEntry | null,
  { programs, clock }: { readonly programs: Programs; readonly clock: Clock },
): string[] {
  const groups = new Map<string, Group>()
  const groupOf = (entry: RateLimitEntry): Group => {
    const { method, scope, limit, burst, longWindow, exceptions } = entry
    const own = exceptions.length > 0 ? entry.endpoint : ''
    const key = JSON.stringify([method, scope, limit, burst, longWindow?.limit, own])
    const group = groups.get(key) ?? { number: groups.size + 1, first: entry, method }
    groups.set(key, group)
    return group
  }
  const plain = new Map<Group, string[]>()
  const finders: string[] = []
  endpoints.forEach((entry, place) => {
    const group = groupOf(entry)
    if (isPlain(entry.path)) plain.set(group, [...(plain.get(group) ?? []), entry.path])
    else finders.push(comment(entry), ...patternLines(entry, group, place))
  })
  if (other) {
    finders.push(comment(other), foundAs(`${groupOf(other).number}:other`, ''))
  }
  return [
    rule('set-var(txn.aegis_path) path'),
    ...sortedByMethod(plain).flatMap(([group, paths]) => plainLines(group, paths)),
    ...finders,
    rule('set-var(txn.aegis_group) var(txn.aegis_endpoint),field(1,:)'),
    ...[...groups.values()].flatMap((group) => rateOfGroup(group, programs, clock)),
  ]
}

/** A path of one method goes before the same path of all methods. */
function sortedByMethod(plain: ReadonlyMap<Group, string[]>): [Group, string[]][] {
  return [...plain].sort(([a], [b]) => Number(a.method === null) - Number(b.method === null))
}

function isPlain(path: string): boolean {
  return path.length <= MAX_PLAIN && !isTemplate(path) && PLAIN_PATH.test(path)
}

const comment = (entry: RateLimitEntry) => `    # ${commentText(entry.endpoint)}: ${describe(entry)}.`

function plainLines({ number, first, method }: Group, paths: readonly string[]): string[] {
  const name = `aegis_paths_${number}`
  const endpoint = `str(${number}:),concat(,txn.aegis_path)`
  return [
    `    # ${describe(first)}.`,
    ...chunks(paths).map((chunk) => `    acl ${name} path -m str ${chunk.join(' ')}`),
    rule(`set-var(txn.aegis_endpoint) ${endpoint} if ${unknown} ${name}${ofMethod(method)}`),
  ]
}

const unknown = '!{ var(txn.aegis_endpoint) -m found }'

function ofMethod(method: string | null): string {
  return method === null ? '' : ` { method -m reg '^${literalPattern(method, 'bytes')}\\z' }`
}

function foundAs(endpoint: string, condition: string): string {
  return rule(`set-var(txn.aegis_endpoint) str(${endpoint}) if ${unknown}${condition}`)
}

function patternLines(entry: RateLimitEntry, { number }: Group, place: number): string[] {
  const pattern = `'^${pathPattern(entry.path, 'bytes', 'raw')}\\z'`
  if (pattern.length > MAX_CHARACTERS) return ['    # Left out, as HAProxy has no lines so long.']
  return [foundAs(`${number}:t${place + 1}`, `${ofMethod(entry.method)} { path -m reg ${pattern} }`)]
}

function chunks(paths: readonly string[]): string[][] {
  const found: string[][] = [[]]
  let characters = 0
  for (const path of paths) {
    if (found.at(-1)!.length >= MAX_WORDS || characters + path.length > MAX_CHARACTERS) {
      found.push([])
      characters = 0
    }
    found.at(-1)!.push(path)
    characters += path.length + 1
  }
  return found
}

function rateOfGroup({ number, first }: Group, programs: Programs, clock: Clock): string[] {
  const condition = ` if { var(txn.aegis_group) -m str ${number} }`
  const key = first.scope === 'endpoint' ? '' : ',concat(" ",txn.aegis_client)'
  return [
    ...rateLines('endpoint', first, clock, condition),
    ...longLines('endpoint', first.longWindow, condition),
    rule(`set-var(txn.aegis_key) var(txn.aegis_endpoint)${key}${condition}`),
    ...first.exceptions.flatMap((own) => {
      const program = programs.numberOf(own)
      if (program === undefined) return []
      const isProgram = `${condition} { var(txn.aegis_program) -m str ${program} }`
      return [
        ...rateLines('endpoint', own, clock, isProgram),
        rule(
          `set-var(txn.aegis_key) var(txn.aegis_endpoint),concat(" program ",txn.aegis_program)${isProgram}`,
        ),
        ...(first.longWindow ? [rule(`unset-var(txn.aegis_endpoint_long)${isProgram}`)] : []),
      ]
    }),
  ]
}
