import t from 'tap'
import { DEFAULT_EFFECTS } from '../../../models/anomaly/effects.js'
import { MINUTE_MS } from '../../../models/traffic/durations.js'
import { beginStream, GATEWAY } from '../../../models/stream/stream-state.js'
import { judgeNext } from '../../../models/stream/stream.js'
import type { Condition } from './gateway.js'
import { busy, from, HOUR, reports } from './weeks.js'

const STEP = 60

/** The minutes in alarm when something was deployed some minutes before the step; null for nothing. */
function alarms(condition: Condition, deployedBefore: number | null): number[] {
  const { model, engine } = busy
  const rows = reports(6 * HOUR, from(STEP, condition))
  const deployedMs = deployedBefore === null ? [] : [rows[STEP]!.timeMs - deployedBefore * MINUTE_MS]
  let state = beginStream(GATEWAY)
  return rows.flatMap((row, minute) => {
    const score = (matrix: Float64Array) => engine.score(matrix)
    const judged = judgeNext(state, row, model, DEFAULT_EFFECTS, score, deployedMs)
    state = judged.state
    return judged.verdict.confirmed ? [minute] : []
  })
}

const last = (minutes: readonly number[]) => minutes.at(-1) ?? -1

t.test('a step in latency after a deployment is normal after twenty minutes', async (t) => {
  for (const latency of [1.5, 2.5]) {
    const after = alarms({ latency }, 5)
    t.ok(after[0]! >= STEP && after[0]! <= STEP + 3, 'it is an alarm at first')
    t.ok(last(after) <= STEP + 20, `${latency} times: ${last(after) - STEP} minutes`)
    t.ok(last(alarms({ latency }, null)) > STEP + 150, 'without a deployment, it is one for hours')
  }
})

t.test('a deployment long before, or after the step, changes nothing', async (t) => {
  for (const minutes of [20, -5]) t.ok(last(alarms({ latency: 2 }, minutes)) > STEP + 150, `${minutes}`)
})

t.test('more errors, or other traffic, do not become normal with it', async (t) => {
  for (const condition of [{ latency: 2, errors: 0.2 }, { errors: 0.2 }, { latency: 2, traffic: 0.4 }]) {
    t.ok(last(alarms(condition, 5)) > STEP + 150, JSON.stringify(condition))
  }
})
