import { createReadStream } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { parse } from 'csv-parse'
import { judgeIntervals } from '../models/anomaly/detector.js'
import { FEATURES, minutesOf, N_FEATURES } from '../models/anomaly/features.js'
import { historyWarnings } from '../models/anomaly/history-warnings.js'
import {
  fitAnomalyModel,
  MAX_SAMPLE,
  MIN_SAMPLES,
  type AnomalyModel,
  type AnomalyModelOptions,
} from '../models/anomaly/model.js'
import { anomalyScores } from '../models/isolation-forest/anomaly-scores.js'

/** What a worker is started with: the samples of a range, or a CSV file that holds them. */
export interface TrainingTask {
  readonly source:
    { readonly samples: Float64Array; readonly rangeMinutes: number } | { readonly file: string }
  readonly options: AnomalyModelOptions
}

/** What was learned. `model` is null when there were too few samples. */
export interface FittedModel {
  readonly samples: number
  readonly model: AnomalyModel | null
  /** Share of the samples that the model judges anomalous. */
  readonly anomalyShare: number
  /** The first and the last time in a file. */
  readonly range: { readonly from: string; readonly to: string } | null
  readonly warnings: readonly string[]
}

/** What it posts, once. */
export type TrainingOutcome = FittedModel | { readonly invalidFile: string }

/** A file that cannot be learned from, in words. */
class InvalidFile extends Error {}

/**
 * The samples in a CSV file: a column for each feature, by name and in any order, and one for the time.
 * Rows with an empty cell (a minute whose latency is unknown) are left out.
 */
async function readSamples(file: string): Promise<{ samples: Float64Array; range: FittedModel['range'] }> {
  const values: number[] = []
  const range = new TimeRange()
  let columns: number[] | undefined
  let timeColumn = 0
  const rows = createReadStream(file).pipe(parse({ bom: true, relax_column_count: true, info: true }))
  try {
    for await (const { record, info } of rows as AsyncIterable<{
      record: string[]
      info: { lines: number }
    }>) {
      if (!columns) {
        columns = columnsOf(record)
        timeColumn = timeColumnOf(record)
      } else if (readRow(record, columns, info.lines, values)) {
        range.add(record[timeColumn])
      }
    }
  } catch (error) {
    if (error instanceof InvalidFile || (error as NodeJS.ErrnoException).syscall) throw error
    throw new InvalidFile(`it is not a CSV file: ${(error as Error).message}`)
  }
  if (!columns) throw new InvalidFile('it is empty')
  return { samples: Float64Array.from(values), range: range.ends }
}

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

/** The earliest and the latest of the times that can be read as such. */
class TimeRange {
  #first = Infinity
  #last = -Infinity
  add(text: string | undefined): void {
    const ms = Date.parse(text ?? '')
    if (ms < this.#first) this.#first = ms
    if (ms > this.#last) this.#last = ms
  }
  get ends(): FittedModel['range'] {
    if (this.#first > this.#last) return null
    return { from: new Date(this.#first).toISOString(), to: new Date(this.#last).toISOString() }
  }
}

/** Whether the row is one to learn from. */
function readRow(record: string[], columns: readonly number[], line: number, values: number[]): boolean {
  const cells = columns.map((column) => record[column]?.trim() ?? '')
  if (cells.includes('')) return false
  cells.forEach((cell, index) => {
    const value = Number(cell)
    const most = FEATURES[index] === 'error_rate' ? 1 : MAX_SAMPLE
    if (!(value >= 0 && value <= most)) {
      const given = `${FEATURES[index]} is "${cell.slice(0, 50)}"`
      throw new InvalidFile(`in line ${line} ${given}; allowed is a number from 0 to ${most}`)
    }
    values.push(value)
  })
  return true
}

/** Minutes judged at a time: the memory for their verdicts stays small beside that of the fit. */
const JUDGED_AT_A_TIME = 10_000

function anomalyShare(samples: Float64Array, model: AnomalyModel): number {
  const width = JUDGED_AT_A_TIME * N_FEATURES
  let anomalies = 0
  for (let start = 0; start < samples.length; start += width) {
    const minutes = [...minutesOf(samples.subarray(start, start + width))]
    const verdicts = judgeIntervals(minutes, model, (matrix) => anomalyScores(model.forest, matrix))
    anomalies += verdicts.filter(({ anomaly }) => anomaly).length
  }
  return anomalies / (samples.length / N_FEATURES)
}

const MINUTE_MS = 60_000

async function run({ source, options }: TrainingTask): Promise<TrainingOutcome> {
  try {
    const { samples, range } = 'file' in source ? await readSamples(source.file) : { ...source, range: null }
    const count = samples.length / N_FEATURES
    const span = range ? (Date.parse(range.to) - Date.parse(range.from)) / MINUTE_MS : count
    const warnings = historyWarnings(samples, 'file' in source ? span : source.rangeMinutes)
    const model = count < MIN_SAMPLES ? null : fitAnomalyModel(samples, options)
    return { samples: count, model, anomalyShare: model ? anomalyShare(samples, model) : 0, range, warnings }
  } catch (error) {
    if (error instanceof InvalidFile) return { invalidFile: error.message }
    throw error
  }
}

parentPort!.postMessage(await run(workerData as TrainingTask))
