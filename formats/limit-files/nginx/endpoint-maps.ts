import { commentText, describe, type RateLimitEntry } from '../limit-entry.js'
import { decoded, isTemplate, pathPattern, literalPattern } from '../path-pattern.js'

/** Longer keys do not fit into the buckets of a map of NGINX as it comes (map_hash_bucket_size 64). */
const MAX_KEY_LENGTH = 40
/** Not a word that a map takes for an instruction of its own. */
const PLAIN_KEY = /^(?:[A-Za-z-]+ )?\/[A-Za-z0-9/_. ~-]*$/

/** A limit and the number that the maps give to its requests. */
export interface Numbered {
  readonly entry: RateLimitEntry
  readonly number: number
  readonly isOfGateway: boolean
}

/**
 * Maps from a request to the number of its endpoint. Plain paths are looked up in a hash, which takes one step for
 * thousands of them; as it ignores case, the path is then compared with the one that is listed. What is left goes
 * through regular expressions, the most specific first.
 */
export function endpointMaps(endpoints: readonly Numbered[], other: Numbered | null): string[] {
  if (endpoints.length === 0 && other === null) return []
  const byMethod = endpoints.some(({ entry }) => entry.method !== null)
  const source = byMethod ? '$request_method $uri' : '$uri'
  const plain = plainKeys(endpoints, byMethod)
  return [
    '',
    '# Which endpoint a request is of: a listed path with its very case, or the first pattern that matches.',
    `map "${source}" $aegis_listed {`,
    '    default "";',
    ...endpoints.flatMap(({ entry, number }) => {
      const key = plain.get(number)
      return key === undefined ? [] : [...comment(entry), `    "${key}" "${number} ${key}";`]
    }),
    '}',
    `map "$aegis_listed ${source}" $aegis_exact {`,
    '    default "";',
    '    "~(?s)^(?<aegis_number>[0-9]+) (.+) \\2\\z" $aegis_number;',
    '}',
    `map "${source}" $aegis_pattern {`,
    `    default "${other?.number ?? ''}";`,
    ...endpoints.flatMap(({ entry, number }) =>
      plain.has(number) ? [] : [...comment(entry), `    "~^${pattern(entry, byMethod)}\\z" ${number};`],
    ),
    '}',
    'map $aegis_exact $aegis_endpoint {',
    '    default $aegis_exact;',
    '    "" $aegis_pattern;',
    '}',
  ]
}

function comment(entry: RateLimitEntry): string[] {
  const { endpoint, longWindow } = entry
  const long = longWindow
    ? ` (${longWindow.limit} in ${longWindow.seconds} s was recommended too; NGINX has no window so long.)`
    : ''
  return [`    # ${commentText(endpoint)}: ${describe(entry)}.${long}`]
}

/** By number, the keys for the hash: those that differ from all others by more than case. */
function plainKeys(endpoints: readonly Numbered[], byMethod: boolean): Map<number, string> {
  const numbers = new Map<string, number[]>()
  const keys = new Map<number, string>()
  for (const { entry, number } of endpoints) {
    const key = plainKey(entry, byMethod)
    if (key === null) continue
    keys.set(number, key)
    const lower = key.toLowerCase()
    numbers.set(lower, [...(numbers.get(lower) ?? []), number])
  }
  for (const same of numbers.values()) if (same.length > 1) same.forEach((number) => keys.delete(number))
  return keys
}

function plainKey({ method, path }: RateLimitEntry, byMethod: boolean): string | null {
  if (isTemplate(path) || (byMethod && method === null)) return null
  const plain = `${byMethod ? `${method} ` : ''}${decoded(path)}`
  return plain.length <= MAX_KEY_LENGTH && PLAIN_KEY.test(plain) ? plain : null
}

function pattern({ method, path }: RateLimitEntry, byMethod: boolean): string {
  const ofMethod = method === null ? '[^ ]+' : literalPattern(method, 'bytes')
  const ofPath = pathPattern(path, 'bytes', 'decoded').replaceAll('\\\\', '\\\\\\\\')
  return byMethod ? `${ofMethod} ${ofPath}` : ofPath
}
