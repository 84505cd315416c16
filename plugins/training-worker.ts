import { createReadStream } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { parse } from 'csv-parse'
import { FEATURES, N_FEATURES } from '../models/anomaly/features.js'
import {
  fitAnomalyModel,
  MAX_SAMPLE,
  MIN_SAMPLES,
  type AnomalyModel,
  type AnomalyModelOptions,
} from '../models/anomaly/model.js'

/** What a worker is started with: the samples, or a CSV file that holds them. */
export interface TrainingTask {
  readonly source: { readonly samples: Float64Array } | { readonly file: string }
  readonly options: AnomalyModelOptions
}

/** What it posts, once. `model` is null when there were too few samples. */
export type TrainingOutcome =
  { readonly samples: number; readonly model: AnomalyModel | null } | { readonly invalidFile: string }

/** A file that cannot be learned from, in words. */
class InvalidFile extends Error {}

/**
 * The samples in a CSV file: a column for each feature, by name and in any order, and one for the time.
 * Rows with an empty cell (a minute whose latency is unknown) are left out.
 */
async function readSamples(file: string): Promise<Float64Array> {
  const values: number[] = []
  let columns: number[] | undefined
  const rows = createReadStream(file).pipe(parse({ bom: true, relax_column_count: true, info: true }))
  try {
    for await (const { record, info } of rows as AsyncIterable<{
      record: string[]
      info: { lines: number }
    }>) {
      if (columns) readRow(record, columns, info.lines, values)
      else columns = columnsOf(record)
    }
  } catch (error) {
    if (error instanceof InvalidFile || (error as NodeJS.ErrnoException).syscall) throw error
    throw new InvalidFile(`it is not a CSV file: ${(error as Error).message}`)
  }
  if (!columns) throw new InvalidFile('it is empty')
  return Float64Array.from(values)
}

function columnsOf(header: readonly string[]): number[] {
  const missing = FEATURES.filter((name) => !header.includes(name))
  if (!header.includes('timestamp') && !header.includes('time_bucket')) {
    throw new InvalidFile('it has no column timestamp or time_bucket')
  }
  if (missing.length > 0) throw new InvalidFile(`it has no column ${missing.join(', ')}`)
  return FEATURES.map((name) => header.indexOf(name))
}

function readRow(record: string[], columns: readonly number[], line: number, values: number[]): void {
  const cells = columns.map((column) => record[column]?.trim() ?? '')
  if (cells.includes('')) return
  cells.forEach((cell, index) => {
    const value = Number(cell)
    const most = FEATURES[index] === 'error_rate' ? 1 : MAX_SAMPLE
    if (!(value >= 0 && value <= most)) {
      const given = `${FEATURES[index]} is "${cell.slice(0, 50)}"`
      throw new InvalidFile(`in line ${line} ${given}; allowed is a number from 0 to ${most}`)
    }
    values.push(value)
  })
}

async function run({ source, options }: TrainingTask): Promise<TrainingOutcome> {
  try {
    const samples = 'file' in source ? await readSamples(source.file) : source.samples
    const count = samples.length / N_FEATURES
    return { samples: count, model: count < MIN_SAMPLES ? null : fitAnomalyModel(samples, options) }
  } catch (error) {
    if (error instanceof InvalidFile) return { invalidFile: error.message }
    throw error
  }
}

parentPort!.postMessage(await run(workerData as TrainingTask))
