import { DEFAULT_EFFECTS } from '../../models/anomaly/effects.js'
import type { TimedInterval } from '../../models/anomaly/measure.js'
import { knowsTheDay } from '../../models/anomaly/model.js'
import { beginStream, forModel, GATEWAY, type StreamState } from '../../models/stream/stream-state.js'
import { judgeNext } from '../../models/stream/stream.js'
import { fitOurs, type Fitted } from '../detection/contenders.js'
import type { Row } from '../detection/minutes.js'
import type { Series } from './series.js'
import { blocksOf } from './walk-forward.js'

/**
 * The rows that the service confirms: those of an episode. Each block is judged by a model that is trained on all rows
 * before it, at the defaults of the service, and one stream goes through all models.
 *
 * @returns `[nRows]`, 1 for a confirmed row
 */
export function judgeByService({ timesMs, values }: Series): Uint8Array {
  const confirmed = new Uint8Array(values.length)
  const rows = Array.from(values, (value, i) => rowOf(timesMs[i]!, value))
  let state: StreamState | null = null
  for (const { from, to } of blocksOf({ timesMs })) {
    const fitted = fitOurs(rows.slice(0, from))
    state ??= beginStream(GATEWAY, knowsTheDay(fitted.model))
    for (let i = from; i < to; i++) {
      const next = judgeRow(forModel(state, GATEWAY, String(from), fitted.model), rows[i]!, fitted)
      confirmed[i] = next.verdict.confirmed ? 1 : 0
      state = next.state
    }
  }
  return confirmed
}

function judgeRow(state: StreamState, row: Row, { model, score }: Fitted) {
  const { timestampMs: timeMs, ...figures } = row
  const seconds = model.intervalSeconds
  const requests = Math.round(figures.requests_per_second * seconds)
  const timed: TimedInterval = { interval: { ...figures, seconds, requests, trafficOnly: true }, timeMs }
  return judgeNext(state, timed, model, DEFAULT_EFFECTS, score)
}

/** A report of traffic alone. */
function rowOf(timestampMs: number, value: number): Row {
  return {
    timestampMs,
    requests_per_second: value,
    avg_latency_ms: 0,
    p95_latency_ms: 0,
    p99_latency_ms: 0,
    error_rate: 0,
  }
}
