import type { JsonField } from '../json-names.js'
import type { JsonPreset } from '../json-presets.js'
import { LogFormatError, type Piece } from './pieces.js'
import type { Role, Variable } from './variables.js'

const FIELDS: Readonly<Partial<Record<Role['of'], JsonField>>> = {
  time: 'timestamp',
  request: 'request',
  method: 'method',
  path: 'path',
  status: 'status',
  remote: 'client',
  forwarded: 'forwarded',
  user: 'user',
  agent: 'user_agent',
  bytes: 'bytes',
}

/**
 * Where the fields are in lines of a format that is a JSON object, such as `{"c":"$remote_addr","s":$status}`. The order
 * of the keys does not matter then.
 *
 * @returns undefined for a format that is no JSON, or has several variables in one value
 * @throws LogFormatError when the format has no request or no status
 */
export function jsonTemplate(pieces: readonly Piece[]): JsonPreset | undefined {
  const first = pieces[0]
  if (typeof first !== 'string' || !first.trimStart().startsWith('{')) return undefined
  const variables: Variable[] = []
  let [text, quotes] = ['', 0]
  for (const piece of pieces) {
    if (typeof piece === 'string') {
      text += piece
      quotes += piece.replace(/\\./g, '').split('"').length - 1
    } else {
      const mark = `\u0001${variables.push(piece) - 1}\u0001`
      text += quotes % 2 === 1 ? mark : `"${mark}"`
    }
  }
  const places = placesOf(text)
  if (places === undefined) return undefined
  const fields = fieldsOf(variables, places)
  if (fields === undefined) return undefined
  if (fields.path === undefined && fields.request === undefined)
    throw new LogFormatError('it has no request: add $request, or %r')
  if (fields.status === undefined) throw new LogFormatError('it has no status: add $status, or %>s')
  return { needs: [], fields }
}

/** The path of each value that is one variable; `many` for a variable among others. */
function placesOf(text: string): ReadonlyMap<number, string> | undefined {
  const places = new Map<number, string>()
  try {
    walk(JSON.parse(text.replaceAll('\u0001', '\\u0001')), [], places)
    return places
  } catch {
    return undefined
  }
}

function walk(value: unknown, path: readonly string[], places: Map<number, string>): void {
  if (typeof value === 'string') {
    const mark = /^\u0001(\d+)\u0001$/.exec(value)
    if (mark) places.set(Number(mark[1]), path.join('.'))
  } else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    for (const [key, inner] of Object.entries(value)) walk(inner, [...path, key], places)
  }
}

type Fields = Partial<Record<JsonField, readonly string[]>>

function fieldsOf(variables: readonly Variable[], places: ReadonlyMap<number, string>): Fields | undefined {
  const fields: Partial<Record<JsonField, { rank: number; place: string }[]>> = {}
  for (const [index, { role }] of variables.entries()) {
    const field = role.of === 'latency' ? (`latency_${role.unit}` as const) : FIELDS[role.of]
    if (field === undefined) continue
    const place = places.get(index)
    if (place === undefined) return undefined
    ;(fields[field] ??= []).push({ rank: role.rank ?? 0, place })
  }
  const entries = Object.entries(fields).map(([field, found]) => {
    return [field, found.toSorted((a, b) => a.rank - b.rank).map(({ place }) => place)]
  })
  return Object.fromEntries(entries) as Fields
}
