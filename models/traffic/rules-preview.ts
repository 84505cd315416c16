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
  readonly endpointsBefore: number
  readonly endpointsAfter: number
  /** Those that are not what they are today, and what is ignored; the busiest first. */
  readonly changed: readonly PreviewedEndpoint[]
  readonly ignored: readonly PreviewedEndpoint[]
}

const MAX_SHOWN = 20

/** What other rules make of some paths, compared with the present ones. Linear in the paths. */
export function previewRules(
  paths: readonly { readonly method: string; readonly path: string; readonly requests: number }[],
  present: EndpointFolding,
  next: EndpointFolding,
): RulesPreview {
  const before = new Set<string>()
  const after = new Map<string, Map<string, number>>()
  const ignored = new Map<string, Map<string, number>>()
  for (const { method, path, requests } of paths) {
    const was = present.fold(path)
    const is = next.fold(path)
    const old = endpointName(method, was.template)
    if (was.kind !== 'ignored') before.add(old)
    const [target, name] =
      is.kind === 'ignored' ? [ignored, is.template] : [after, endpointName(method, is.template)]
    const parts = target.get(name) ?? new Map<string, number>()
    target.set(name, parts.set(old, (parts.get(old) ?? 0) + requests))
  }
  const changed = [...after].filter(([name, parts]) => parts.size > 1 || !parts.has(name))
  return {
    endpointsBefore: before.size,
    endpointsAfter: after.size,
    changed: changed.map(described).sort(busiestFirst),
    ignored: [...ignored].map(described).sort(busiestFirst),
  }
}

function described([endpoint, parts]: [string, Map<string, number>]): PreviewedEndpoint {
  const sorted = [...parts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
  return {
    endpoint,
    requests: sorted.reduce((sum, [, requests]) => sum + requests, 0),
    from: sorted.slice(0, MAX_SHOWN).map(([name]) => name),
    fromCount: sorted.length,
  }
}

function busiestFirst(a: PreviewedEndpoint, b: PreviewedEndpoint): number {
  return b.requests - a.requests || (a.endpoint < b.endpoint ? -1 : 1)
}
