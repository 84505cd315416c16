import { endpointName } from './endpoint-name.js'
import type { EndpointFolding } from './endpoint-folding.js'

export interface PreviewedEndpoint {
  /** `GET /users/{id}`; of what is ignored, the pattern. */
  readonly endpoint: string
  readonly requests: number
  /** The endpoints that it is made of today, the busiest first, and how many there are. */
  readonly from: readonly string[]
  readonly fromCount: number
}

export interface RulesPreview {
  /** How many were looked at. */
  readonly paths: number
  readonly endpointsBefore: number
  readonly endpointsAfter: number
  /** Those that are not what they are today, the busiest 1,000 first, and how many there are. */
  readonly changed: readonly PreviewedEndpoint[]
  readonly changedCount: number
  /** What is ignored, the busiest first. */
  readonly ignored: readonly PreviewedEndpoint[]
}

const MAX_SHOWN = 20
const MAX_CHANGED = 1_000

/** The requests of an endpoint, by what it is today. */
type Parts = ReadonlyMap<string, number>

/**
 * What other rules make of some paths, compared with the present ones. It goes in short steps, each of which ends with a
 * yield.
 * @param isOver whether to look at no more paths
 */
export function* previewRules(
  paths: readonly { readonly method: string; readonly path: string; readonly requests: number }[],
  present: EndpointFolding,
  next: EndpointFolding,
  isOver: () => boolean = () => false,
): Generator<void, RulesPreview> {
  const before = new Set<string>()
  const after = new Map<string, Map<string, number>>()
  const ignored = new Map<string, Map<string, number>>()
  let seen = 0
  for (const { method, path, requests } of paths) {
    if (isOver()) break
    seen++
    const was = present.fold(path)
    const is = next.fold(path)
    const old = endpointName(method, was.template)
    if (was.kind !== 'ignored') before.add(old)
    const [target, name] =
      is.kind === 'ignored' ? [ignored, is.template] : [after, endpointName(method, is.template)]
    const parts = target.get(name) ?? new Map<string, number>()
    target.set(name, parts.set(old, (parts.get(old) ?? 0) + requests))
    yield
  }
  const changed: [string, Parts][] = []
  for (const [name, parts] of after) {
    if (parts.size > 1 || !parts.has(name)) changed.push([name, parts])
    yield
  }
  return {
    paths: seen,
    endpointsBefore: before.size,
    endpointsAfter: after.size,
    changed: yield* describe(changed),
    changedCount: changed.length,
    ignored: yield* describe([...ignored]),
  }
}

/** The busiest endpoints. */
function* describe(endpoints: readonly (readonly [string, Parts])[]): Generator<void, PreviewedEndpoint[]> {
  const described: PreviewedEndpoint[] = []
  for (const [endpoint, parts] of yield* busiest(endpoints, MAX_CHANGED, ([, parts]) => sum(parts))) {
    const from = yield* busiest([...parts], MAX_SHOWN, ([, requests]) => requests)
    described.push({
      endpoint,
      requests: sum(parts),
      from: from.map(([name]) => name),
      fromCount: parts.size,
    })
    yield
  }
  return described
}

function sum(parts: Parts): number {
  let sum = 0
  for (const requests of parts.values()) sum += requests
  return sum
}

/** The first ones by requests, then by name, without sorting all of them at once. */
function* busiest<T extends readonly [string, unknown]>(
  all: readonly T[],
  max: number,
  requestsOf: (each: T) => number,
): Generator<void, T[]> {
  let top: { each: T; requests: number }[] = []
  for (let i = 0; i < all.length; i += MAX_CHANGED) {
    const more = all.slice(i, i + MAX_CHANGED).map((each) => ({ each, requests: requestsOf(each) }))
    top = [...top, ...more].sort((a, b) => b.requests - a.requests || (a.each[0] < b.each[0] ? -1 : 1))
    top.length = Math.min(top.length, max)
    yield
  }
  return top.map(({ each }) => each)
}
