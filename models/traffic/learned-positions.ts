import type { LearnedPosition } from './endpoint-folding.js'
import { VALUE } from './placeholders.js'

/** The successes of an endpoint; what failed teaches nothing. */
export interface EndpointWeight {
  readonly path: string
  readonly successes: number
  /** The lowest and the highest hash of its clients; null where they are not known. */
  readonly firstClient: number | null
  readonly lastClient: number | null
}

/** As many different values with little traffic each make a position a parameter. */
const MIN_VALUES = 120
/** An endpoint of its own has as many successes at least, and this share of those of all its siblings … */
const MIN_KEPT_SUCCESSES = 20
const MIN_KEPT_SHARE = 1 / 200
/** … or so many times as many as 95 of 100 siblings have at most. */
const OUTLYING_RATIO = 10
export const MAX_KEPT = 500
export const MAX_POSITIONS = 500

/** The successes of a value, and its client where it has a single one that is known. */
interface Value {
  successes: number
  client: number | null
}

/**
 * The positions of paths that have many different values, `/users/alice`, `/users/bob`, …: the children of a node in
 * the tree of paths, as Drain groups messages (He et al. 2017), with a threshold on their number. A position is learned
 * from 120 values that have little traffic each. What a single client alone asks for does not count, so that no scanner
 * teaches a position; siblings with traffic of their own are kept. Deterministic; linear in the size of the paths.
 *
 * @param endpoints templates, successful ones alone
 * @returns the outermost new positions, by parent: those below are found once the paths are folded
 */
export function learnPositions(endpoints: readonly EndpointWeight[]): LearnedPosition[] {
  const found: LearnedPosition[] = []
  for (const [parent, position] of [...positionsOf(endpoints)].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (position.size < MIN_VALUES) continue
    if (found.some((outer) => parent.startsWith(`${outer.parent}/`))) continue
    const values = [...position].sort(([a, x], [b, y]) => y.successes - x.successes || (a < b ? -1 : 1))
    const min = minKept(values.map(([, { successes }]) => successes))
    const kept = values.filter(([, { successes }]) => successes >= min).map(([value]) => value)
    if (countOfMany(values.slice(kept.length)) < MIN_VALUES) continue
    found.push({ parent, kept: kept.slice(0, MAX_KEPT).sort() })
  }
  return found
}

/** @param successes descending */
function minKept(successes: readonly number[]): number {
  const total = successes.reduce((sum, each) => sum + each, 0)
  const usual = successes[Math.floor(successes.length / 20)]!
  return Math.max(MIN_KEPT_SUCCESSES, Math.min(MIN_KEPT_SHARE * total, OUTLYING_RATIO * usual))
}

/** The values without those that only the client asks for that asks for most. */
function countOfMany(values: readonly (readonly [string, Value])[]): number {
  const alone = new Map<number, number>()
  for (const [, { client }] of values) {
    if (typeof client === 'number') alone.set(client, (alone.get(client) ?? 0) + 1)
  }
  return values.length - Math.max(0, ...alone.values())
}

/** Whether there is a position with as many values, whatever their traffic. */
export function mayHavePositions(paths: readonly string[]): boolean {
  const weights = paths.map((path) => ({ path, successes: 1, firstClient: null, lastClient: null }))
  return [...positionsOf(weights).values()].some(({ size }) => size >= MIN_VALUES)
}

function positionsOf(endpoints: readonly EndpointWeight[]): Map<string, Map<string, Value>> {
  const positions = new Map<string, Map<string, Value>>()
  for (const { path, successes, firstClient, lastClient } of endpoints) {
    const segments = path.split('/')
    const client = firstClient === lastClient ? firstClient : null
    let parent = segments[0]!
    for (let i = 1; i < segments.length; i++) {
      const value = segments[i]!
      if (value !== '' && value !== VALUE) {
        const position = positions.get(parent) ?? new Map<string, Value>()
        positions.set(parent, position)
        const known = position.get(value)
        if (known === undefined) position.set(value, { successes, client })
        else {
          known.successes += successes
          if (known.client !== client) known.client = null
        }
      }
      parent += `/${value}`
    }
  }
  return positions
}
