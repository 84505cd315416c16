/** A measured function: what one call does, and how many rows it processes. */
export interface Contestant {
  readonly name: string
  /** Milliseconds of one pass over all rows, or another quantity; less is better. */
  measure(): number | Promise<number>
}

/** A candidate and the reference that it is compared with in the same run. */
export interface Comparison {
  readonly rows: number
  readonly reference: Contestant
  readonly candidate: Contestant
  /** The ratio to the reference that the candidate must reach. Without a target, the comparison is informative. */
  readonly target?: number
  /** The measured quantity if it is not time. */
  readonly unit?: 'MB'
  /** Number of measurements after one warm-up. Default: many, for very short functions. */
  readonly repetitions?: number
}

export interface Benchmark {
  readonly name: string
  /** The comparisons, or the reason for skipping them, in one sentence. `finish` is called at the end. */
  prepare(): Promise<{ comparisons: Comparison[]; finish?: () => void | Promise<void> } | { skipped: string }>
}

export interface Result {
  readonly comparison: Comparison
  /** Medians. */
  readonly referenceMs: number
  readonly candidateMs: number
  /** Speed relative to the reference. */
  readonly ratio: number
}

const manyWarmUps = 3
const manyRepetitions = 11

/** Measures both in turns, so that other load on the machine affects both equally. */
export async function compare(comparison: Comparison): Promise<Result> {
  const { reference, candidate, repetitions = manyRepetitions } = comparison
  const warmUps = comparison.repetitions === undefined ? manyWarmUps : 1
  const referenceTimes: number[] = []
  const candidateTimes: number[] = []
  for (let repetition = -warmUps; repetition < repetitions; repetition++) {
    const referenceMs = await reference.measure()
    const candidateMs = await candidate.measure()
    if (repetition < 0) continue
    referenceTimes.push(referenceMs)
    candidateTimes.push(candidateMs)
  }
  const referenceMs = medianOf(referenceTimes)
  const candidateMs = medianOf(candidateTimes)
  return { comparison, referenceMs, candidateMs, ratio: referenceMs / candidateMs }
}

/** Repeats the work until the resolution of the clock does not matter. Returns milliseconds per run. */
export function timed(work: () => unknown, runs: number): number {
  const start = performance.now()
  for (let run = 0; run < runs; run++) work()
  return (performance.now() - start) / runs
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}
