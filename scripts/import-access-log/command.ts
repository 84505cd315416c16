import { Command, type OptionValues } from 'commander'
import { basename } from 'node:path'
import { migrate } from '../../db/migrate.js'
import { readStoredRules } from '../../db/own/path-rules.js'
import { chosenTable } from '../cli/traffic-table.js'
import type { TrafficTable } from '../../db/traffic/table.js'
import { JSON_FIELDS } from '../../formats/access-log/json-names.js'
import {
  addDatabaseOptions,
  assertTrafficWritable,
  configOf,
  withDatabase,
  type DatabaseFlags,
} from '../cli/database.js'
import { NoDataError } from '../cli/errors.js'
import { choice } from '../cli/options.js'
import { startProgress } from '../cli/progress.js'
import { describeLog } from './describe-log.js'
import { importLog } from './import-log.js'
import { DamagedFileError, findSources, readSource, STDIN, type LogSource } from './log-source.js'
import { addReadingOptions, readingOf, type ReadingFlags } from './reading-options.js'
import { rejectedPathOf } from './rejected-lines.js'

interface Flags extends DatabaseFlags, ReadingFlags {
  readonly table?: TrafficTable
  readonly dryRun?: true
}

const TABLES = ['request_logs', 'request_metrics'] as const

const NOTES = `
Each file is imported completely or not at all. You can import a file again, for example after it has grown: only new
requests are added. A request is identified by its line and by the number of times this line has occurred.

A time without a zone is UTC, or of --time-zone. A line without a latency gives a request without a latency. Query strings are not stored.
Wrappers around the lines (syslog, Kubernetes, Docker, journald) are removed. What may have been read wrongly is printed
with an example, also with --dry-run, which shows the first request of each format too. Lines that cannot be parsed
are written to FILE.rejected, or stdin.rejected for standard input, with line number and reason. Files with this ending
are skipped.

Fields of JSON lines: ${JSON_FIELDS.join(', ')}.

Examples:
  aegis-ml import-access-log /var/log/nginx/access.log*
  aegis-ml import-access-log --dry-run access.log.gz
  aegis-ml import-access-log --field timestamp=when --field latency_s=took gateway.jsonl
  aegis-ml import-access-log --log-format '$remote_addr [$time_local] "$request" $status $request_time' access.log
  aegis-ml import-access-log --log-format '%h %l %u %t "%r" %>s %b %D' --client forwarded access.log
  ssh gateway cat /var/log/apache2/access.log | aegis-ml import-access-log --table request_metrics

Exit codes: 0 success, also with rejected lines; 1 nothing to import or a damaged file; 2 usage; 3 database.`

/** `import-access-log`: imports the log files of any gateway into the traffic table. */
export function importAccessLog(stop: AbortSignal): Command {
  const command = addReadingOptions(
    new Command('import-access-log')
      .description('Import access logs, plain or compressed (gz, bz2, zst), into the traffic table.')
      .argument('[files...]', 'log files (default, and for -: standard input)'),
  )
    .option(
      '--table <table>',
      `traffic table: ${TABLES.join(' or ')} (default: TRAFFIC_TABLE)`,
      choice('--table', TABLES),
    )
    .option('--dry-run', 'read the files and describe their content; write nothing')
  return addDatabaseOptions(command)
    .addHelpText('after', NOTES)
    .action((files: string[], flags: OptionValues) =>
      run(files.length > 0 ? files : [STDIN], flags as Flags, stop),
    )
}

type Work = (
  source: LogSource,
  pieces: AsyncIterable<Buffer>,
  onLines: (count: number) => void,
) => Promise<Outcome>

interface Outcome {
  readonly accepted: number
  readonly text: string
}

async function run(files: readonly string[], flags: Flags, stop: AbortSignal): Promise<void> {
  try {
    await readSources(await findSources(files, say), flags, stop)
  } finally {
    // An open standard input would keep the process alive after a failure.
    if (files.includes(STDIN)) process.stdin.destroy()
  }
}

async function readSources(sources: readonly LogSource[], flags: Flags, stop: AbortSignal): Promise<void> {
  const reading = readingOf(flags)
  if (flags.dryRun) {
    const describe: Work = ({ path }, pieces, onLines) => describeLog(nameOf(path), pieces, reading, onLines)
    return readAll(sources, describe, stop)
  }
  const config = configOf(flags)
  assertTrafficWritable(config)
  await withDatabase(config, async (sql) => {
    await migrate(sql)
    const table = await chosenTable(sql, flags.table ?? config.trafficTable)
    const withHosts = ((await readStoredRules(sql))?.rules ?? config.pathRules).host
    const work: Work = ({ path }, pieces, onLines) => {
      const rejectedPath = rejectedPathOf(path === STDIN ? 'stdin' : path)
      const log = { name: nameOf(path), pieces, reading, table, withHosts, rejectedPath, onLines }
      return importLog(sql, log, stop)
    }
    await readAll(sources, work, stop)
  })
}

/** @throws NoDataError after all files are read, if a file is damaged or there was no request */
async function readAll(sources: readonly LogSource[], work: Work, stop: AbortSignal): Promise<void> {
  const bytes = sources.reduce((sum, { size }) => sum + (size ?? NaN), 0)
  let [readBytes, readLines, accepted] = [0, 0, 0]
  const damaged: string[] = []
  for (const source of sources) {
    const progress = startProgress('lines')
    let lines = 0
    try {
      const pieces = readSource(source, (count) => void (readBytes += count), stop)
      const outcome = await work(source, pieces, (count) => {
        lines = count
        progress.update(readBytes / bytes || 0, readLines + count)
      })
      accepted += outcome.accepted
      progress.stop()
      say(outcome.text)
    } catch (error) {
      if (!(error instanceof DamagedFileError)) throw error
      damaged.push(error.message)
    } finally {
      progress.stop()
    }
    readLines += lines
  }
  if (damaged.length > 0) throw new NoDataError(damaged.join(' '))
  if (accepted === 0)
    throw new NoDataError(
      'no data: there is not one request to import. Check the files and --format, or give --log-format with the log ' +
        'format of the server, or --field for JSON.',
    )
}

const nameOf = (path: string) => (path === STDIN ? 'standard input' : basename(path))
const say = (line: string) => void process.stderr.write(`${line}\n`)
