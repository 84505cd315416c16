import { Command, Option } from 'commander'
import type { TrafficTable } from '../../db/traffic/table.js'
import { BUCKET_SECONDS } from '../../formats/export/traffic-columns.js'
import {
  addDatabaseOptions,
  assertTrafficWritable,
  configOf,
  withDatabase,
  type DatabaseFlags,
} from '../cli/database.js'
import { chosenTable } from '../cli/traffic-table.js'
import { UsageError } from '../cli/errors.js'
import { bucketSeconds, choice, finiteNumber, wholeNumber } from '../cli/options.js'
import { FORMATS, type Format } from '../cli/row-writer.js'
import { insertRequests, writeTraffic } from './generate.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'

interface Flags extends DatabaseFlags {
  readonly days: number
  readonly type: 'requests' | 'aggregated'
  readonly bucket: number
  readonly baseRps: number
  readonly anomalyRate: number
  readonly seed: number
  readonly table?: TrafficTable
  readonly output?: string
  readonly format?: Format
  readonly insertDb?: true
}

const TYPES = ['requests', 'aggregated'] as const
const WORDS = Object.keys(BUCKET_SECONDS).join(', ')
const TABLES = ['request_logs', 'request_metrics'] as const

const EXAMPLES = `
Examples:
  aegis-ml generate-synthetic-data --insert-db
  aegis-ml generate-synthetic-data --days 30 --type aggregated --output training.csv
  aegis-ml generate-synthetic-data --days 1 --base-rps 500 --format parquet --output requests.parquet
  aegis-ml generate-synthetic-data --table request_metrics --seed 7 > requests.csv

The data ends with the last full minute. Two runs in the same minute with the same seed give the same data.

Exit codes: 0 success, 1 no data, 2 usage, 3 database.`

/** `generate-synthetic-data`: writes traffic with labelled incidents to a file or to the traffic table. */
export function generateSyntheticData(stop: AbortSignal): Command {
  const command = new Command('generate-synthetic-data')
    .description(
      'Generate synthetic gateway traffic with incidents, as a file or as rows of the traffic table.',
    )
    .option('--days <n>', 'number of days, 1 to 365', wholeNumber('--days', { min: 1, max: 365 }), 7)
    .option(
      '--type <type>',
      'requests: one row per request; aggregated: one row per time bucket, with the label of its incident',
      choice('--type', TYPES),
      'requests',
    )
    .addOption(
      new Option(
        '--bucket <length>',
        `length of a time bucket, for --type aggregated: ${WORDS}, or a number of minutes`,
      )
        .argParser(bucketSeconds('--bucket', BUCKET_SECONDS))
        .default(BUCKET_SECONDS['1m'], '1m'),
    )
    .option(
      '--base-rps <n>',
      'average requests per second on a weekday, above 0, at most 100000',
      finiteNumber('--base-rps', { above: 0, max: 100_000 }),
      50,
    )
    .option(
      '--anomaly-rate <share>',
      'share of minutes inside an incident, 0 to 0.5',
      finiteNumber('--anomaly-rate', { min: 0, max: 0.5 }),
      0.05,
    )
    .option(
      '--seed <n>',
      'random seed, a whole number; another seed gives other traffic',
      wholeNumber('--seed', { min: 0, max: 2 ** 32 - 1 }),
      42,
    )
    .option(
      '--table <table>',
      `traffic table: ${TABLES.join(' or ')} (default: TRAFFIC_TABLE)`,
      choice('--table', TABLES),
    )
    .option('-o, --output <file>', 'write to this file (default: standard output)')
    .option(
      '-f, --format <format>',
      `format of the file: ${FORMATS.join(', ')} (default: csv)`,
      choice('--format', FORMATS),
    )
    .option('--insert-db', 'insert the requests into the traffic table; write no file')
  return addDatabaseOptions(command)
    .addHelpText('after', EXAMPLES)
    .action((flags: Flags) => run(flags, stop))
}

const MINUTES_A_DAY = 1440

async function run(flags: Flags, stop: AbortSignal): Promise<void> {
  checkCombination(flags)
  const config = configOf(flags)
  const { days, baseRps, anomalyRate, seed, type, bucket } = flags
  const minutes = days * MINUTES_A_DAY
  const startMs = (Math.floor(Date.now() / MINUTE_MS) - minutes) * MINUTE_MS
  const traffic = { minutes, baseRps, anomalyRate, seed, startMs }
  const choice = flags.table ?? config.trafficTable
  if (flags.insertDb) {
    assertTrafficWritable(config)
    await withDatabase(config, async (sql) => {
      await insertRequests(sql, await chosenTable(sql, choice), traffic, stop)
    })
    return
  }
  const table = choice === 'auto' ? 'request_logs' : choice
  const what = type === 'requests' ? ({ type, table } as const) : ({ type, bucketSeconds: bucket } as const)
  await writeTraffic(traffic, what, { output: flags.output, format: flags.format ?? 'csv' }, stop)
}

function checkCombination({ insertDb, type, output, format }: Flags): void {
  if (insertDb && type === 'aggregated') {
    throw new UsageError(
      '--insert-db and --type aggregated exclude each other: the traffic table contains single requests.',
    )
  }
  if (insertDb && (output !== undefined || format !== undefined)) {
    const flag = output === undefined ? '--format' : '--output'
    throw new UsageError(
      `--insert-db and ${flag} exclude each other: the rows go to the database or to a file.`,
    )
  }
  if (!insertDb && format === 'parquet' && output === undefined && process.stdout.isTTY) {
    throw new UsageError('--format parquet cannot be shown on a terminal. Name a file with --output.')
  }
}
