import { fitOurs, judgeBatch, judgePlain, judgeStream, type Fitted, type Judged } from './contenders.js'
import type { Size } from './incidents.js'
import type { Row } from './minutes.js'
import { scoreWeek, type WeekResult } from './score-week.js'
import { drawUnfamiliarWorld, drawWorld, type JudgedWeek, type World } from './world.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'

export const STREAM = 'stream'
export const BATCH = 'batch'
export const TENTH = 'a tenth'
/** The whole gateway on the incidents that its tenth can show. */
export const WHOLE_OF_TENTH = 'the whole'
/** The stream on kinds that it was not built on. */
export const UNFAMILIAR_STREAM = 'unfamiliar'
export const PLAIN = { 'plain 0.1': 0.1, 'plain 0.01': 0.01 } as const

/** Minutes of warm-up for a new source. */
const ACQUAINTANCE = 30

/** Draws a gateway of an unfamiliar kind, and scores the stream. */
export function judgeUnfamiliar(name: string, seed: number): WeekResult[] {
  const world = drawUnfamiliarWorld(name, seed)
  const judged = judgeStream(fitOurs(world.history), world.week.rows)
  return [scoreWeek(UNFAMILIAR_STREAM, 'large', world, world.week, judged)]
}

/** Draws a gateway, fits all contenders, and scores them on both weeks. */
export function judgeWorld(
  name: string,
  seed: number,
  sizes: readonly Size[] = ['large', 'small'],
): WeekResult[] {
  const world = drawWorld(name, seed)
  const fitted = fitOurs(world.history)
  return sizes.flatMap((size) => judgeSize(size, world, fitted))
}

function judgeSize(size: Size, world: World, fitted: Fitted): WeekResult[] {
  const week = world[size]
  const stream = judgeStream(fitted, week.rows)
  const plain = judgePlain(world.history, week.rows, Object.values(PLAIN))
  return [
    scoreWeek(STREAM, size, world, week, stream),
    scoreWeek(BATCH, size, world, week, judgeBatch(fitted, week.rows)),
    ...Object.keys(PLAIN).map((contender, i) => scoreWeek(contender, size, world, week, plain[i]!)),
    ...judgeTenth(size, world, fitted, stream),
  ]
}

/** Minutes in which a new source idles, after a single request: a replica that is probed, but not used yet. */
const IDLE = 6

function idleFirst(row: Row, minute: number): Row {
  if (minute >= IDLE) return row
  return { ...row, requests_per_second: minute === 0 ? 1 / 60 : 0, error_rate: 0 }
}

/** A source with a tenth of the traffic, and the whole gateway, on the incidents that the tenth can show. */
function judgeTenth(size: Size, world: World, fitted: Fitted, whole: readonly Judged[]): WeekResult[] {
  const tenth = world.tenth[size]
  if (tenth.incidents.length === 0) return []
  const hidden = world[size].incidents.filter((incident) => !tenth.incidents.includes(incident))
  const judged = judgeStream(fitted, tenth.rows.map(idleFirst), 'one-of-ten')
  const fromMs = tenth.rows[0]!.timestampMs + ACQUAINTANCE * MINUTE_MS
  const known = (all: readonly Judged[]) => all.filter(({ timeMs }) => timeMs >= fromMs)
  const score = (contender: string, week: JudgedWeek, said: readonly Judged[]) =>
    scoreWeek(contender, size, world, week, known(said), hidden)
  return [score(TENTH, tenth, judged), score(WHOLE_OF_TENTH, tenth, whole)]
}
