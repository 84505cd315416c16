import { createReadStream } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { parse } from 'csv-parse'
import { calendarEntryAt, type CalendarEntry } from '../../models/anomaly/calendar.js'
import { judgeIntervals } from '../../models/anomaly/detector.js'
import { DEFAULT_EFFECTS, type LeastEffects } from '../../models/anomaly/effects.js'
import { FEATURES, isLatency, N_FEATURES } from '../../models/anomaly/features.js'
import { historyWarnings } from '../../models/anomaly/history-warnings.js'
import { timedIntervals } from '../../models/anomaly/measure.js'
import {
  fitAnomalyModel,
  MAX_SAMPLE,
  MIN_SAMPLES,
  type AnomalyModel,
  type AnomalyModelOptions,
} from '../../models/anomaly/model.js'
import { regularHistory, type History } from '../../models/anomaly/regular-history.js'
import { anomalyScores } from '../../models/isolation-forest/anomaly-scores.js'
import { createKernelEngine } from '../../models/scoring/kernel-engine.js'
import { quantile } from '../../models/statistics/quantile.js'
import type { Comparison } from '../../models/stream/comparison/comparison.js'
import { calibrate } from '../../models/stream/calibration/calibrate.js'
import { sensitivityOf, type Sensitivity } from '../../models/stream/sensitivity.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'
import { prepareFit, type Reference } from './compared-fit.js'
import type { WorkerMessage } from '../workers/message.js'

/** The task of the worker: the samples of a range, or a CSV file that holds them. */
export interface DetectorTask {
  readonly source:
    | { readonly history: History; readonly rangeMinutes: number }
    | { readonly file: string; readonly calendar: readonly CalendarEntry[] }
  readonly options: AnomalyModelOptions
  /** False alarms a week, see `calibrate`. */
  readonly alarmBudget: number
  /** Null for samples of a file, which are learned as they are. */
  readonly reference: Reference | null
}

/** The result of the fit. `model` is null when there are too few samples. */
export interface FittedDetector {
  readonly samples: number
  readonly model: AnomalyModel | null
  /** The smallest changes that the model finds; empty without one. */
  readonly sensitivity: readonly Sensitivity[]
  /** Share of the samples that the model judges anomalous. */
  readonly anomalyShare: number
  /** The first and the last time in a file. */
  readonly range: { readonly from: string; readonly to: string } | null
  readonly warnings: readonly string[]
  /** Minutes that people marked as incidents, and that were not learned. */
  readonly incidentMinutes: number
  /** The model beside the active one; null where there is none. */
  readonly comparison: Comparison | null
}

/** How the fit ended. */
export type DetectorOutcome = FittedDetector | { readonly invalidFile: string }

/** Labels of ordinary minutes. */
const NO_INCIDENT = /^(0|false|none|normal)?$/i

/** A history with its known incidents. */
interface LabelledHistory extends History {
  readonly incidentsMs?: readonly number[]
}

/** A file that cannot be used for training. The message is the reason. */
class InvalidFile extends Error {}

/**
 * The minutes in a CSV file, sorted by time. The file has a column for each feature, found by its name, and one for
 * the time. A column `label` has a text in the rows of known incidents. An empty cell is a latency that is not known;
 * rows without a rate or an error rate are left out. The length of the rows is the median of the column
 * interval_seconds; without it, the times show it.
 */
async function readHistory(file: string, calendar: readonly CalendarEntry[]): Promise<LabelledHistory> {
  const found: { timeMs: number; values: number[]; isIncident: boolean }[] = []
  let columns: number[] | undefined
  let timeColumn = 0
  let labelColumn = -1
  let lengthColumn = -1
  const lengths: number[] = []
  let timeMs = 0
  const rows = createReadStream(file).pipe(parse({ bom: true, relax_column_count: true, info: true }))
  try {
    for await (const { record, info } of rows as AsyncIterable<{
      record: string[]
      info: { lines: number }
    }>) {
      if (!columns) {
        columns = columnsOf(record)
        timeColumn = timeColumnOf(record)
        labelColumn = record.indexOf('label')
        lengthColumn = record.indexOf('interval_seconds')
      } else {
        const values = valuesOf(record, columns, info.lines)
        if (!values) continue
        timeMs = timeOf(record[timeColumn], timeMs)
        const length = Number(record[lengthColumn])
        if (length > 0 && length <= MAX_INTERVAL_SECONDS) lengths.push(length)
        const isIncident = labelColumn >= 0 && !NO_INCIDENT.test(record[labelColumn]?.trim() ?? '')
        if (!calendarEntryAt(calendar, timeMs)) found.push({ timeMs, values, isIncident })
      }
    }
  } catch (error) {
    if (error instanceof InvalidFile || (error as NodeJS.ErrnoException).syscall) throw error
    throw new InvalidFile(`it is not a CSV file: ${(error as Error).message}`)
  }
  if (!columns) throw new InvalidFile('it is empty')
  found.sort((a, b) => a.timeMs - b.timeMs)
  return {
    samples: Float64Array.from(found.flatMap(({ values }) => values)),
    timesMs: Float64Array.from(found, ({ timeMs }) => timeMs),
    incidentsMs: found.filter(({ isIncident }) => isIncident).map(({ timeMs }) => timeMs),
    ...(lengths.length > 0 && { intervalSeconds: quantile(lengths, 0.5) }),
  }
}

/** A day. */
const MAX_INTERVAL_SECONDS = 86_400

function columnsOf(header: readonly string[]): number[] {
  const missing = FEATURES.filter((name) => !header.includes(name))
  if (missing.length > 0) throw new InvalidFile(`it has no column ${missing.join(', ')}`)
  return FEATURES.map((name) => header.indexOf(name))
}

function timeColumnOf(header: readonly string[]): number {
  const column = Math.max(header.indexOf('timestamp'), header.indexOf('time_bucket'))
  if (column < 0) throw new InvalidFile('it has no column timestamp or time_bucket')
  return column
}

/** A time that cannot be read counts as the minute after the previous row. */
function timeOf(text: string | undefined, beforeMs: number): number {
  const ms = Date.parse(text ?? '')
  return Number.isNaN(ms) ? beforeMs + MINUTE_MS : ms
}

/** The features of a row; null for a row without a rate or an error rate. */
function valuesOf(record: string[], columns: readonly number[], line: number): number[] | null {
  const cells = columns.map((column) => record[column]?.trim() ?? '')
  if (cells.some((cell, index) => cell === '' && !isLatency(FEATURES[index]!))) return null
  return cells.map((cell, index) => {
    if (cell === '') return NaN
    const value = Number(cell)
    const max = FEATURES[index] === 'error_rate' ? 1 : MAX_SAMPLE
    if (value >= 0 && value <= max) return value
    const given = `${FEATURES[index]} is "${cell.slice(0, 50)}"`
    throw new InvalidFile(`in line ${line} ${given}; allowed is a number from 0 to ${max}`)
  })
}

/** Minutes judged at a time. The memory for their verdicts stays small compared with that of the fit. */
const MAX_JUDGED_AT_A_TIME = 10_000

function fitCalibrated(
  history: LabelledHistory,
  options: AnomalyModelOptions,
  alarmBudget: number,
  effects: LeastEffects,
): AnomalyModel {
  const model = fitAnomalyModel(history, options)
  const engine = createKernelEngine(model.forest)
  const score = (matrix: Float64Array) => engine.score(matrix)
  return calibrate(history, model, { effects, alarmBudget, score, incidentsMs: history.incidentsMs ?? [] })
}

function anomalyShare(history: History, model: AnomalyModel, effects: LeastEffects): number {
  const { samples, timesMs, intervalSeconds } = regularHistory(history, model.intervalSeconds)
  let anomalies = 0
  for (let start = 0; start < timesMs.length; start += MAX_JUDGED_AT_A_TIME) {
    const end = start + MAX_JUDGED_AT_A_TIME
    const part = samples.subarray(start * N_FEATURES, end * N_FEATURES)
    const rows = timedIntervals({ samples: part, timesMs: timesMs.subarray(start, end), intervalSeconds })
    const verdicts = judgeIntervals(rows, model, effects, (matrix) => anomalyScores(model.forest, matrix))
    anomalies += verdicts.filter(({ anomaly }) => anomaly).length
  }
  return anomalies / timesMs.length
}

async function run({ source, options, alarmBudget, reference }: DetectorTask): Promise<DetectorOutcome> {
  try {
    const { effects = DEFAULT_EFFECTS, intervalSeconds } = options
    const given: LabelledHistory =
      'file' in source ? await readHistory(source.file, source.calendar) : source.history
    const fit = reference && prepareFit(given, reference, { effects, alarmBudget, intervalSeconds })
    const history = fit?.history ?? given
    const { samples, timesMs } = history
    const range =
      'file' in source && timesMs.length > 0
        ? { from: inText(timesMs[0]!), to: inText(timesMs.at(-1)!) }
        : null
    const span = timesMs.length > 0 ? (timesMs.at(-1)! - timesMs[0]!) / MINUTE_MS : 0
    const rows = regularHistory(history, options.intervalSeconds)
    const minutes = (rows.timesMs.length * rows.intervalSeconds) / 60
    const warnings = historyWarnings(samples, 'file' in source ? span : source.rangeMinutes, minutes)
    const isEnough = rows.timesMs.length >= MIN_SAMPLES
    const model = isEnough ? fitCalibrated(history, options, alarmBudget, effects) : null
    const share = model ? anomalyShare(history, model, effects) : 0
    const sensitivity = model ? sensitivityOf(model, effects) : []
    const comparison = (model && fit?.compare(model)) ?? null
    const incidentMinutes = fit?.incidentMinutes ?? 0
    const result = { samples: timesMs.length, model, sensitivity, anomalyShare: share, range, warnings }
    return { ...result, incidentMinutes, comparison }
  } catch (error) {
    if (error instanceof InvalidFile) return { invalidFile: error.message }
    throw error
  }
}

const inText = (ms: number) => new Date(ms).toISOString()

const message: WorkerMessage<DetectorOutcome> = { outcome: await run(workerData as DetectorTask) }
parentPort!.postMessage(message)
