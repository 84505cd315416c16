/** Something that is measured: what a call does, and how many rows it scores. */
export interface Contestant {
  readonly name: string
  /** Milliseconds that one pass over all rows takes, or what else the comparison is in: the less the better. */
  measure(): number | Promise<number>
}

/** A contestant against the reference it is compared with, in the same run. */
export interface Comparison {
  readonly rows: number
  readonly reference: Contestant
  readonly candidate: Contestant
  /** Times as fast as the reference that it must be; without one the comparison is for information. */
  readonly target?: number
  /** What is measured when it is not time. */
  readonly unit?: 'MB'
  /** How often both are measured, after one warm-up; where left out, often, for what is over in no time. */
  readonly repetitions?: number
}

export interface Benchmark {
  readonly name: string
  /** The comparisons, or why there are none here, in one sentence; `finish` is called when they are over. */
  prepare(): Promise<{ comparisons: Comparison[]; finish?: () => void | Promise<void> } | { skipped: string }>
}

export interface Result {
  readonly comparison: Comparison
  /** Medians. */
  readonly referenceMs: number
  readonly candidateMs: number
  /** How many times as fast as the reference. */
  readonly ratio: number
}

const manyWarmUps = 3
const manyRepetitions = 11

/** Measures both in turns, so that what else the machine does strikes both alike. */
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

/** Runs the work so often that the clock's grain does not matter; milliseconds of one run. */
export function timed(work: () => unknown, runs: number): number {
  const start = performance.now()
  for (let run = 0; run < runs; run++) work()
  return (performance.now() - start) / runs
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}
