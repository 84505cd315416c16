import { DEFAULT_EFFECTS } from '../../models/anomaly/effects.js'
import type { TimedInterval } from '../../models/anomaly/measure.js'
import { knowsTheDay } from '../../models/anomaly/model.js'
import { rowSeconds } from '../../models/anomaly/row-interval.js'
import { beginStream, forModel, GATEWAY, type StreamState } from '../../models/stream/stream-state.js'
import { judgeNext } from '../../models/stream/stream.js'
import { fitOurs, type Fitted } from '../detection/contenders.js'
import type { Row } from '../detection/minutes.js'
import type { Series } from './series.js'
import { blocksOf, firstJudged } from './walk-forward.js'

/** What the service says about each row. */
interface ServiceRows {
  /** `[nRows]`, 1 for a confirmed row: one of an episode. */
  readonly confirmed: Uint8Array
  /** `[nRows]`, the normalized score, 0…1. */
  readonly scores: Float64Array
}

/**
 * Judges a series as the service does. Each block is judged by a model that is trained on all rows before it, at the
 * defaults of the service, and one stream goes through all models. Whole numbers are the requests of a row. Other values
 * are rates.
 */
export function judgeByService({ timesMs, values }: Series): ServiceRows {
  const confirmed = new Uint8Array(values.length)
  const scores = new Float64Array(values.length)
  const isCount = values.subarray(0, firstJudged(values.length)).every(Number.isInteger)
  const perSecond = isCount ? 1 / rowSeconds(timesMs) : 1
  const rows = Array.from(values, (value, i) => rowOf(timesMs[i]!, value * perSecond))
  let state: StreamState | null = null
  for (const { from, to } of blocksOf({ timesMs })) {
    const fitted = fitOurs(rows.slice(0, from))
    state ??= beginStream(GATEWAY, knowsTheDay(fitted.model))
    for (let i = from; i < to; i++) {
      const next = judgeRow(forModel(state, GATEWAY, String(from), fitted.model), rows[i]!, fitted)
      confirmed[i] = next.verdict.confirmed ? 1 : 0
      scores[i] = next.verdict.normalizedScore
      state = next.state
    }
  }
  return { confirmed, scores }
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
