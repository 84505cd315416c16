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
/** An endpoint of its own has as many successes at least, and this share of those of all its siblings. */
const MIN_KEPT_SUCCESSES = 20
const MIN_KEPT_SHARE = 1 / 200
const MAX_KEPT = 500
export const MAX_POSITIONS = 500

interface Position {
  total: number
  firstClient: number
  lastClient: number
  readonly values: Map<string, number>
}

/**
 * The positions of paths that have many different values, `/users/alice`, `/users/bob`, …: the children of a node in
 * the tree of paths, as Drain groups messages (He et al. 2017), with a threshold on their number. A position is learned
 * from 120 values that have little traffic each, of more than one client; siblings with traffic of their own are kept.
 * Deterministic; linear in the size of the paths.
 *
 * @param endpoints templates, successful ones alone
 * @returns the outermost new positions, by parent: those below are found once the paths are folded
 */
export function learnPositions(endpoints: readonly EndpointWeight[]): LearnedPosition[] {
  const found: LearnedPosition[] = []
  for (const [parent, position] of [...positionsOf(endpoints)].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (position.firstClient === position.lastClient) continue
    if (found.some((outer) => parent.startsWith(`${outer.parent}/`))) continue
    const values = [...position.values].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    const isKept = (successes: number) =>
      successes >= MIN_KEPT_SUCCESSES && successes >= MIN_KEPT_SHARE * position.total
    const kept = values.filter(([, successes]) => isKept(successes)).map(([value]) => value)
    if (values.length - kept.length < MIN_VALUES) continue
    found.push({ parent, kept: kept.slice(0, MAX_KEPT).sort() })
  }
  return found
}

/** Whether there is a position with as many values, whatever their traffic. */
export function mayHavePositions(paths: readonly string[]): boolean {
  const weights = paths.map((path) => ({ path, successes: 1, firstClient: null, lastClient: null }))
  return [...positionsOf(weights).values()].some(({ values }) => values.size >= MIN_VALUES)
}

function positionsOf(endpoints: readonly EndpointWeight[]): Map<string, Position> {
  const positions = new Map<string, Position>()
  for (const { path, successes, firstClient, lastClient } of endpoints) {
    const segments = path.split('/')
    let parent = segments[0]!
    for (let i = 1; i < segments.length; i++) {
      const value = segments[i]!
      if (value !== '' && value !== VALUE) {
        let position = positions.get(parent)
        if (!position) {
          position = { total: 0, firstClient: Infinity, lastClient: -Infinity, values: new Map() }
          positions.set(parent, position)
        }
        position.total += successes
        position.firstClient = Math.min(position.firstClient, firstClient ?? -Infinity)
        position.lastClient = Math.max(position.lastClient, lastClient ?? Infinity)
        position.values.set(value, (position.values.get(value) ?? 0) + successes)
      }
      parent += `/${value}`
    }
  }
  return positions
}
