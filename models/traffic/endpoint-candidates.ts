import { DAY_MS, MINUTE_MS } from './durations.js'

/** What some requests of an endpoint amount to. */
export interface EndpointCount {
  readonly method: string
  readonly path: string
  readonly requests: number
  /** Answered with 2xx or 3xx. */
  readonly successes: number
  /** Answered with 404 or 410. */
  readonly notFound: number
  /** Those of clients that ask for many paths that do not exist. */
  readonly probes: number
  /** The lowest and the highest hash of the clients that succeeded; null without any. */
  readonly firstClient: number | null
  readonly lastClient: number | null
  /** Times since 1970, both included. */
  readonly firstMs: number
  readonly lastMs: number
  /** It gets its name with the first success. */
  readonly declared?: boolean
}

/** An endpoint that has no name yet. */
export interface Candidate extends EndpointCount {
  /** Successes, less what was given up for other candidates: never too high. */
  readonly weight: number
  /** The first and the last minute, since 1970, of each range with requests, in order. */
  readonly minutes: readonly number[]
}

/**
 * Whether a range of requests was counted before: not at all (`no`), each of them (`same`: only names of endpoints have
 * changed), or some of them (`changed`: others came since).
 */
export type Again = 'no' | 'same' | 'changed'

/** So many successes earn a name, even of one client on one day. */
export const MANY_SUCCESSES = 10
/** At least as many ranges are told apart. */
const MAX_RANGES = 16

const MAX_SUCCESSFUL = 4_000
const MAX_UNSUCCESSFUL = 1_000

export const candidateKey = ({ method, path }: Pick<EndpointCount, 'method' | 'path'>) => `${method} ${path}`

/**
 * The endpoints that have no name yet, in bounded memory: heavy hitters by successful requests. The summary is that of
 * Misra and Gries, which is isomorphic to Space-Saving (Metwally, Agrawal and El Abbadi 2005), with the merge of
 * Agarwal et al., "Mergeable Summaries" (2012): counts of equal keys are added; beyond the bound the weight of the
 * heaviest that is given up is taken off all others. A candidate with more than N / 4,000 of N successes is always
 * kept. Requests that fail have no weight: paths that never succeed displace nothing, and the most frequent 1,000 of
 * them are kept aside. Deterministic; the order of equal candidates is that of their names.
 */
export class EndpointCandidates {
  readonly #candidates: Map<string, Candidate>
  /** As they were at first: what was counted before is not counted twice. */
  readonly #before: ReadonlyMap<string, Candidate>
  /** What was counted again of them, in ranges whose requests may have changed. */
  readonly #recounts = new Map<string, Counts>()
  readonly #changed = new Set<string>()

  constructor(candidates: readonly Candidate[] = []) {
    this.#candidates = new Map(candidates.map((each) => [candidateKey(each), each]))
    this.#before = new Map(this.#candidates)
  }

  get all(): readonly Candidate[] {
    return [...this.#candidates.values()]
  }

  /**
   * @param again whether the range was counted before: what overlaps in time with an older count only raises it
   * @param floor successes that endpoints not among the counts have at most
   */
  add(
    counts: readonly EndpointCount[],
    { again = 'no', floor = 0 }: { readonly again?: Again; readonly floor?: number } = {},
  ): void {
    for (const count of counts) {
      const known = this.#candidates.get(candidateKey(count))
      this.#set(merge(known, count, this.#increase(count, again), floor))
    }
    this.#cut()
  }

  /** What a count adds to what is known. */
  #increase(count: EndpointCount, again: Again): Counts {
    const key = candidateKey(count)
    const old = again === 'changed' ? this.#before.get(key) : this.#candidates.get(key)
    if (again === 'no' || old === undefined || !overlaps(old.minutes, minutesOf(count))) return count
    if (again === 'same') return combine(count, old, (now, before) => Math.max(0, now - before))
    const recounted = this.#recounts.get(key) ?? NOTHING
    const sum = combine(recounted, count, (a, b) => a + b)
    this.#recounts.set(key, sum)
    const raised = (of: Counts) => combine(of, old, Math.max)
    return combine(raised(sum), raised(recounted), (after, before) => after - before)
  }

  /** Those that have earned a name, the heaviest first. */
  earned(): Candidate[] {
    return this.all.filter(hasEarnedName).sort(heaviestFirst)
  }

  remove(each: Pick<EndpointCount, 'method' | 'path'>): void {
    const key = candidateKey(each)
    if (this.#candidates.delete(key)) this.#changed.add(key)
  }

  /** Forgets those that were not seen since. */
  forgetBefore(timeMs: number): void {
    for (const each of this.all) if (each.lastMs < timeMs) this.remove(each)
  }

  /** Those that changed since the last call; undefined: it is gone. */
  takeChanges(): Map<string, Candidate | undefined> {
    const changes = new Map([...this.#changed].map((key) => [key, this.#candidates.get(key)]))
    this.#changed.clear()
    return changes
  }

  #cut(): void {
    const successful: Candidate[] = []
    const others: Candidate[] = []
    for (const each of this.#candidates.values()) (each.successes > 0 ? successful : others).push(each)
    if (others.length > MAX_UNSUCCESSFUL) {
      for (const each of others.sort(heaviestFirst).slice(MAX_UNSUCCESSFUL)) this.remove(each)
    }
    if (successful.length <= MAX_SUCCESSFUL) return
    successful.sort(heaviestFirst)
    const given = successful[MAX_SUCCESSFUL]!.weight
    for (const [i, each] of successful.entries()) {
      if (i >= MAX_SUCCESSFUL) this.remove(each)
      else if (given > 0) this.#set({ ...each, weight: Math.max(0, each.weight - given) })
    }
  }

  #set(candidate: Candidate): void {
    const key = candidateKey(candidate)
    this.#candidates.set(key, candidate)
    this.#changed.add(key)
  }
}

/** Successful requests of more than one client, on more than one day, or many; never if most paths do not exist. */
export function hasEarnedName(each: Candidate): boolean {
  if (each.successes === 0 || isMostlyMissing(each)) return false
  const clients = each.firstClient !== each.lastClient
  const days = Math.floor(each.firstMs / DAY_MS) !== Math.floor(each.lastMs / DAY_MS)
  return each.declared === true || clients || days || each.successes >= MANY_SUCCESSES
}

/** A path that scanners ask for and that does not exist. */
export function isAttackPath(each: Pick<EndpointCount, 'requests' | 'notFound' | 'probes'>): boolean {
  return isMostlyMissing(each) && 2 * each.probes >= each.notFound
}

function isMostlyMissing({ requests, notFound }: Pick<EndpointCount, 'requests' | 'notFound'>): boolean {
  return 2 * notFound > requests
}

function heaviestFirst(a: Candidate, b: Candidate): number {
  return b.weight - a.weight || b.requests - a.requests || (candidateKey(a) < candidateKey(b) ? -1 : 1)
}

type Counts = Pick<EndpointCount, 'requests' | 'successes' | 'notFound' | 'probes'>

const NOTHING: Counts = { requests: 0, successes: 0, notFound: 0, probes: 0 }

function combine(a: Counts, b: Counts, of: (a: number, b: number) => number): Counts {
  return {
    requests: of(a.requests, b.requests),
    successes: of(a.successes, b.successes),
    notFound: of(a.notFound, b.notFound),
    probes: of(a.probes, b.probes),
  }
}

function merge(
  known: Candidate | undefined,
  count: EndpointCount,
  increase: Counts,
  floor: number,
): Candidate {
  const minutes = minutesOf(count)
  const weight = Math.max(0, increase.successes - floor)
  if (known === undefined) return { ...count, weight, minutes }
  return {
    ...count,
    ...combine(known, increase, (a, b) => a + b),
    weight: known.weight + weight,
    firstClient: extreme(Math.min, known.firstClient, count.firstClient),
    lastClient: extreme(Math.max, known.lastClient, count.lastClient),
    firstMs: Math.min(known.firstMs, count.firstMs),
    lastMs: Math.max(known.lastMs, count.lastMs),
    minutes: joinMinutes(known.minutes, minutes),
  }
}

function minutesOf({ firstMs, lastMs }: EndpointCount): [number, number] {
  return [Math.floor(firstMs / MINUTE_MS), Math.floor(lastMs / MINUTE_MS)]
}

function overlaps(ranges: readonly number[], [first, last]: [number, number]): boolean {
  return ranges.some((from, i) => i % 2 === 0 && from <= last && ranges[i + 1]! >= first)
}

function extreme(of: (a: number, b: number) => number, a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : of(a, b)
}

/** Both as ranges in order; beyond the bound the smallest gap is closed. */
function joinMinutes(a: readonly number[], b: readonly number[]): number[] {
  const ranges: [number, number][] = []
  for (let i = 0; i < a.length; i += 2) ranges.push([a[i]!, a[i + 1]!])
  for (let i = 0; i < b.length; i += 2) ranges.push([b[i]!, b[i + 1]!])
  ranges.sort((x, y) => x[0] - y[0] || x[1] - y[1])
  const joined: [number, number][] = []
  for (const range of ranges) {
    const last = joined.at(-1)
    if (last && range[0] <= last[1] + 1) last[1] = Math.max(last[1], range[1])
    else joined.push([range[0], range[1]])
  }
  while (joined.length > MAX_RANGES) closeSmallestGap(joined)
  return joined.flat()
}

function closeSmallestGap(ranges: [number, number][]): void {
  let at = 1
  for (let i = 2; i < ranges.length; i++) {
    if (ranges[i]![0] - ranges[i - 1]![1] < ranges[at]![0] - ranges[at - 1]![1]) at = i
  }
  ranges[at - 1]![1] = ranges[at]![1]
  ranges.splice(at, 1)
}
