import { Registry } from 'prom-client'

/** The two forms in which metrics are exposed. */
export type Exposition = 'text' | 'openmetrics'

export const CONTENT_TYPES: Readonly<Record<Exposition, string>> = {
  text: Registry.PROMETHEUS_CONTENT_TYPE,
  openmetrics: Registry.OPENMETRICS_CONTENT_TYPE,
}

/** Versions of OpenMetrics that the same text answers. */
const OPENMETRICS_VERSIONS = new Set([undefined, '0.0.1', '1.0.0'])

/**
 * The form that a client prefers, by its Accept header. A client that accepts neither gets the older one, as Prometheus'
 * own libraries do.
 */
export function expositionFor(accept: string | undefined): Exposition {
  let best: { exposition: Exposition; q: number } = { exposition: 'text', q: 0 }
  for (const range of (accept ?? '').slice(0, MAX_ACCEPT).split(',')) {
    const [type, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const given = new Map(parameters.map((each) => each.split('=', 2) as [string, string]))
    const exposition =
      type === 'application/openmetrics-text' && OPENMETRICS_VERSIONS.has(given.get('version'))
        ? 'openmetrics'
        : 'text'
    const isUsable = exposition === 'openmetrics' || TEXT_RANGES.has(type!)
    const q = Number(given.get('q') ?? 1)
    if (isUsable && q > best.q) best = { exposition, q }
  }
  return best.exposition
}

const TEXT_RANGES = new Set(['text/plain', 'text/*', '*/*'])
const MAX_ACCEPT = 2_000

/**
 * The text format 0.0.4 as OpenMetrics 1.0: a counter is named without `_total` in its head, bounds are floats, and the end
 * is marked. prom-client's own form is not used: it renames the counters for good, for the other form too.
 */
export function toOpenMetrics(text: string): string {
  const body = text
    .replace(/^# (HELP|TYPE) (\w+)_total /gm, '# $1 $2 ')
    .replace(/([{,]le=")(\d+)"/g, '$1$2.0"')
    .replace(/\n{2,}/g, '\n')
  return `${body.trimEnd()}\n# EOF\n`
}
