import type { Registry } from 'prom-client'
import type { AnomalyType, Severity } from '../../models/anomaly/verdict.js'
import { register } from './counted.js'

/** What a verdict is about. */
export type SeriesKind = 'gateway' | 'endpoint' | 'source'

const NONE = 'none'

/** Counts verdicts. There are at most 75 kinds. */
export class VerdictCounts {
  readonly #counts = new Map<SeriesKind, Map<AnomalyType | null, Map<Severity | null, number>>>()

  add(series: SeriesKind, type: AnomalyType | null, severity: Severity | null, count = 1): void {
    let types = this.#counts.get(series)
    if (!types) this.#counts.set(series, (types = new Map()))
    let severities = types.get(type)
    if (!severities) types.set(type, (severities = new Map()))
    severities.set(severity, (severities.get(severity) ?? 0) + count)
  }

  *samples() {
    for (const [series, types] of this.#counts) {
      for (const [type, severities] of types) {
        for (const [severity, value] of severities) {
          yield { labels: { series, type: type ?? NONE, severity: severity ?? NONE }, value }
        }
      }
    }
  }
}

export function registerVerdicts(registry: Registry, counts: VerdictCounts): void {
  register(registry, {
    name: 'aegis_ml_verdicts_total',
    help: 'Verdicts on reports of sources, and on minutes of the gateway and its endpoints that this replica has watched, by type and severity; none is a normal one.',
    type: 'counter',
    samples: () => counts.samples(),
  })
}
