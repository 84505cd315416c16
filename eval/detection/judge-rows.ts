import { fitOurs, judgeBatch, judgeReplay } from './contenders.js'
import type { Size } from './incidents.js'
import { scoreWeek, type WeekResult } from './score-week.js'
import { drawWorld } from './world.js'

/** Lengths of rows, with their names. */
export const ROW_LENGTHS: ReadonlyMap<number, string> = new Map([
  [10, '10 s'],
  [60, '1 min'],
  [300, '5 min'],
  [900, '15 min'],
  [3600, '1 h'],
])

/** The contender that judges each row alone. */
export const aloneOf = (name: string) => `${name}, alone`

/** The same gateways in rows of another length. Their times alone show the length. */
export function judgeRows(
  gateway: string,
  seed: number,
  rowSeconds: number,
  sizes: readonly Size[] = ['large', 'small'],
): WeekResult[] {
  const world = drawWorld(gateway, seed, rowSeconds)
  const fitted = fitOurs(world.history)
  const name = ROW_LENGTHS.get(rowSeconds)!
  return sizes.flatMap((size) => {
    const week = world[size]
    const score = (contender: string, judge: typeof judgeReplay) =>
      scoreWeek(contender, size, world, week, judge(fitted, week.rows, rowSeconds))
    const results = [score(name, judgeReplay)]
    // A part of a row is judged with the parts before it, so that it has no verdict of its own.
    return rowSeconds < 60 ? results : [...results, score(aloneOf(name), judgeBatch)]
  })
}
