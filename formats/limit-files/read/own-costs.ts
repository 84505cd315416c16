import type { RequestCosts } from '../../../models/rate-limit/request-costs.js'
import { specificity } from '../path-pattern.js'
import { UnreadableLimits } from './limits.js'
import { TemplateTree } from './template-tree.js'
import { fieldsOf, lineOf, type YamlNode } from './yaml-nodes.js'

const MAX_REMEMBERED = 100_000

/** The costs of a limit of ours; null where it counts requests. @throws UnreadableLimits */
export function costsIn(node: YamlNode): RequestCosts | null {
  const fields = fieldsOf(node)
  const unit = fields.get('unit')
  if (unit === undefined || unit.value === 'requests') return null
  if (unit.value !== 'latency_ms')
    throw new UnreadableLimits(lineOf(unit), 'unit is one of requests, latency_ms')
  const defaultWeight = fields.get('default_weight')?.value
  const weights = (fields.get('weights')?.items ?? []).map((item) => {
    const { endpoint, weight } = weightIn(item)
    if (typeof endpoint === 'string' && isWeight(weight)) return [endpoint, weight] as const
    throw new UnreadableLimits(
      lineOf(item),
      'a weight needs endpoint_pattern and weight, a whole number from 1',
    )
  })
  if (!isWeight(defaultWeight))
    throw new UnreadableLimits(
      lineOf(node),
      'a limit in latency_ms needs default_weight, a whole number from 1',
    )
  return { weights: new Map(weights), defaultWeight }
}

function weightIn(node: YamlNode) {
  const fields = fieldsOf(node)
  const endpoint = fields.get('endpoint') ?? fields.get('endpoint_pattern')
  return { endpoint: endpoint?.value, weight: fields.get('weight')?.value }
}

function isWeight(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1
}

/** What a request for a path costs: the most specific template that matches counts. */
export function costOfPaths({ weights, defaultWeight }: RequestCosts): (path: string) => number {
  const ranked = [...weights]
    .map(([path, weight]) => ({ weight, path, rank: specificity(path) }))
    .sort(
      (a, b) =>
        a.rank.any - b.rank.any ||
        a.rank.placeholders - b.rank.placeholders ||
        b.rank.characters - a.rank.characters,
    )
  const tree = new TemplateTree(ranked.map(({ path }) => path))
  const known = new Map<string, number>()
  return (path) => {
    const remembered = known.get(path)
    if (remembered !== undefined) return remembered
    const [place] = tree.matching(path)
    const weight = place === undefined ? defaultWeight : ranked[place]!.weight
    if (known.size >= MAX_REMEMBERED) known.clear()
    known.set(path, weight)
    return weight
  }
}
