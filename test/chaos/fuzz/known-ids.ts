/** What answers have named, so that later requests can ask for it: the newest of each kind. */
export class KnownIds {
  readonly #ids = new Map<string, string[]>()

  /** An id of a kind, chosen by a number; one that nobody has when none is known. */
  pick(kind: string, choice: number): string {
    const ids = this.#ids.get(kind) ?? []
    return ids[choice % ids.length] ?? '1'
  }

  /** Takes over what an answer names. */
  learn(operationId: string, data: unknown): void {
    for (const [kind, read] of READERS[operationId] ?? []) {
      for (const id of read(data as Named).filter((each) => typeof each === 'string')) this.#add(kind, id)
    }
  }

  #add(kind: string, id: string): void {
    const ids = this.#ids.get(kind) ?? []
    if (ids.includes(id)) return
    this.#ids.set(kind, [id, ...ids].slice(0, MAX_IDS))
  }
}

const MAX_IDS = 20

type Named = Record<string, unknown>
type Reader = readonly [kind: string, read: (data: Named) => string[]]

const one = (kind: string, field = 'id'): Reader => [kind, (data) => [data[field] as string]]
const list = (kind: string, name: string, field = 'id'): Reader => [
  kind,
  (data) => ((data[name] ?? []) as Named[]).map((each) => each[field] as string),
]

const READERS: Readonly<Record<string, readonly Reader[]>> = {
  listIncidents: [list('incidents', 'incidents')],
  listFeedback: [list('feedback', 'feedback')],
  listSilences: [list('silences', 'silences')],
  createSilence: [one('silences')],
  train: [one('train')],
  scanIncidents: [one('scan')],
  backtest: [one('backtest')],
  optimize: [one('recommendations', 'recommendation_id')],
  listRecommendations: [list('recommendations', 'recommendations')],
  getModelVersions: [
    list('versions', 'anomaly_detector', 'version'),
    list('versions', 'rate_optimizer', 'version'),
  ],
}

/** The kind of the id in a path of the contract. */
export function kindOf(path: string): string {
  if (path.includes('{version}')) return 'versions'
  return (
    ['scan', 'backtest', 'train', 'recommendations', 'silences', 'feedback'].find(
      (kind) => path.includes(kind) && !path.includes('false'),
    ) ?? 'incidents'
  )
}
