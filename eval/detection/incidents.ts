import type { Random } from '../../models/statistics/random.js'
import { NO_CHANGE, type Change } from './change.js'
import { between, times } from './draws.js'

export type Size = 'large' | 'small'

/** The size of a change, without its time. */
type Amount = Partial<Pick<Change, 'traffic' | 'latency' | 'tail' | 'errors'>>
type DrawAmount = (random: Random) => Amount

const spike: DrawAmount = (random) => ({ traffic: times(random, 2, 7) })
const drop: DrawAmount = (random) => ({ traffic: between(random, 0.1, 0.5) })
const slow: DrawAmount = (random) => ({ latency: times(random, 2, 6) })
const failing: DrawAmount = (random) => ({ errors: times(random, 0.08, 0.5) })

const TOGETHER: readonly (readonly DrawAmount[])[] = [
  [spike, slow],
  [spike, failing],
  [slow, failing],
  [drop, failing],
  [drop, slow],
  [spike, slow, failing],
]

/** Large ones: about twice the usual or more, half of it or less, errors up by eight points or more. */
const LARGE: Readonly<Record<string, DrawAmount>> = {
  silence: () => ({ traffic: 0 }),
  drop,
  spike,
  slow,
  failing,
  'several at once': (random) =>
    TOGETHER[random.integer(TOGETHER.length)]!.reduce((all, draw) => ({ ...all, ...draw(random) }), {}),
}

/** Small ones: some tens of percent or a few points of errors. */
const SMALL: Readonly<Record<string, DrawAmount>> = {
  more: (random) => ({ traffic: between(random, 1.3, 1.6) }),
  fewer: (random) => ({ traffic: between(random, 0.4, 0.7) }),
  slower: (random) => ({ latency: between(random, 1.3, 1.8) }),
  'slow p99': (random) => ({ tail: { factor: between(random, 1.4, 2.5), of: 'p99' } }),
  'slow p95': (random) => ({ tail: { factor: between(random, 1.4, 2.5), of: 'p95' } }),
  'some errors': (random) => ({ errors: between(random, 0.02, 0.07) }),
}

const KINDS = { large: LARGE, small: SMALL }
const MINUTES = { large: [3, 30], small: [15, 120] } as const
/** In longer rows, they last so many rows where that is longer. */
const ROWS = { large: [2, 6], small: [4, 12] } as const

/** Between one and the next, at least. */
const APART = 60

/** Attempts to place an incident before it is skipped. */
const TRIES = 100

export interface DrawnIncidents {
  readonly size: Size
  readonly count: number
  readonly start: number
  readonly end: number
  /** They begin and end with a row. */
  readonly rowSeconds: number
}

const longest = (size: Size, rowSeconds: number) =>
  Math.max(MINUTES[size][1], (ROWS[size][1] * rowSeconds) / 60)

/** The number of incidents that take as much time in rows of a length as a number of them in rows of a minute. */
export function countIn(rowSeconds: number, size: Size, count: number): number {
  return Math.ceil((count * MINUTES[size][1]) / longest(size, rowSeconds))
}

/**
 * Draws incidents over a time range, each in its own part. The kinds alternate, starting with a random one.
 * @param isFair false if the requests of those minutes cannot show the incident; another one is drawn then
 */
export function drawIncidents(
  random: Random,
  { size, count, start: from, end: to, rowSeconds }: DrawnIncidents,
  isFair: (change: Change) => boolean,
): Change[] {
  const kinds = Object.entries(KINDS[size])
  const first = random.integer(kinds.length)
  const part = Math.floor((to - from) / count)
  const row = Math.max(1, rowSeconds / 60)
  const apart = Math.max(APART, 6 * row)
  const least = Math.max(MINUTES[size][0], row > 1 ? ROWS[size][0] * row : 0)
  const most = longest(size, rowSeconds)
  const whole = (minutes: number) => Math.round(minutes / row) * row
  return Array.from({ length: count }, (_, i): Change | null => {
    const [name, amount] = kinds[(first + i) % kinds.length]!
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const minutes = whole(times(random, least, most))
      const start = from + whole(i * part + apart + random.integer(Math.max(1, part - apart - minutes)))
      const change = { ...NO_CHANGE, name, start, end: start + minutes, ...amount(random) }
      if (isFair(change)) return change
    }
    return null
  }).filter((change) => change !== null)
}
