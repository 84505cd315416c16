import { Command, type OptionValues } from 'commander'
import { readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { JSON_FIELDS } from '../../formats/access-log/json-names.js'
import type { LogEntry } from '../../formats/access-log/log-entry.js'
import { UnreadableLimits, type FileLimits } from '../../formats/limit-files/read/limits.js'
import {
  CHECKED_GATEWAYS,
  readLimits,
  type CheckedGateway,
} from '../../formats/limit-files/read/read-limits.js'
import { clientAddress } from '../../models/traffic/client-address.js'
import { NoDataError, TooManyRejectedError, UsageError } from '../cli/errors.js'
import { choice } from '../cli/options.js'
import { withOutput } from '../cli/output.js'
import { startProgress } from '../cli/progress.js'
import { LogReader, type LogReaderOptions } from '../import-access-log/log-reader.js'
import { DamagedFileError, findSources, readSource, STDIN } from '../import-access-log/log-source.js'
import { addReadingOptions, readingOf, type ReadingFlags } from '../import-access-log/reading-options.js'
import { LimitReplay } from './replay.js'
import { checkReport, checkText, percent } from './report.js'

interface Flags extends ReadingFlags {
  readonly gateway?: CheckedGateway
  readonly json?: true
  readonly maxRejected?: number
}

const MAX_FILE_BYTES = 64 << 20
/** Characters of a line that is printed. */
const MAX_SHOWN = 200
const MAX_DOUBTS = 10

const NOTES = `
FILE has rate limits:
  nginx    limit_req_zone and limit_req with locations, map and geo; \`nginx -T\` prints a configuration with all includes
  haproxy  stick-table, http-request track-sc and deny by http_req_rate
  envoy    token_bucket of local_ratelimit, or descriptors of envoyproxy/ratelimit
  kong     the plugin rate-limiting of a declarative configuration
  aegis    JSON or YAML of GET /export/rate-limits?format=json or aegis

Something that is not understood ends the command, with its line. Files in log-only mode are checked as if they enforced.

Fields of JSON lines: ${JSON_FIELDS.join(', ')}.

Examples:
  aegis-ml check limits.conf access.log
  aegis-ml check --max-rejected 0.1% --json kong.yaml access.log.1.gz access.log
  ssh gateway cat access.log | aegis-ml check haproxy.cfg -

The report is on standard output, everything else on standard error.
Exit codes: 0 success; 1 more is rejected than --max-rejected, no requests, or a damaged log; 2 usage, or a file that is not
understood.`

/** `check`: replays access logs through the limits of a file. */
export function checkLimits(stop: AbortSignal): Command {
  const command = new Command('check')
    .description('Replay access logs through the rate limits of a file, and report who would be cut off.')
    .argument('<file>', 'rate limits of nginx, HAProxy, Envoy, Kong or AEGIS ML')
    .argument('<logs...>', 'access logs in the order of time, plain or compressed; - is standard input')
    .option(
      '--gateway <gateway>',
      `what the limits are for: ${CHECKED_GATEWAYS.join(', ')} (default: told from the file)`,
      choice('--gateway', CHECKED_GATEWAYS),
    )
    .option(
      '--max-rejected <share>',
      'exit code 1 when more requests are rejected, such as 0.1% or 0.001',
      share,
    )
    .option('--json', 'print the report as JSON')
  return addReadingOptions(command)
    .addHelpText('after', NOTES)
    .action((file: string, logs: string[], flags: OptionValues) => run(file, logs, flags as Flags, stop))
}

function share(text: string): number {
  const [, number, isPercent] = /^(\d+(?:\.\d+)?|\.\d+)(%?)$/.exec(text) ?? []
  const value = number === undefined ? NaN : Number(number) / (isPercent ? 100 : 1)
  if (value >= 0 && value <= 1) return value
  throw new UsageError(
    `--max-rejected is ${JSON.stringify(text.slice(0, 80))}; allowed is 0% to 100%, or 0 to 1.`,
  )
}

async function run(file: string, logs: readonly string[], flags: Flags, stop: AbortSignal): Promise<void> {
  try {
    const limits = await limitsOf(file, flags.gateway)
    for (const remark of limits.remarks) say(remark)
    const replay = new LimitReplay(limits)
    const unreadable = await replayLogs(logs, replay, readingOf(flags), stop)
    if (replay.total.requests === 0)
      throw new NoDataError('no data: the logs have no request. Check the files and --format.')
    const report = checkReport({ name: basename(file), limits, unreadable }, replay)
    if (report.unattributed > 0)
      say(`${report.unattributed} requests passed uncounted: there are too many clients.`)
    await withOutput(undefined, stop, (output) =>
      output.write(flags.json ? `${JSON.stringify(report, null, 2)}\n` : checkText(report)),
    )
    const { maxRejected } = flags
    if (maxRejected !== undefined && report.rejected_share > maxRejected) {
      throw new TooManyRejectedError(
        `${percent(report.rejected_share)} of the requests are rejected; allowed are ${percent(maxRejected)}.`,
      )
    }
  } finally {
    if (logs.includes(STDIN)) process.stdin.destroy()
  }
}

async function limitsOf(file: string, gateway: CheckedGateway | undefined): Promise<FileLimits> {
  const cannot = (reason: string): never => {
    throw new UsageError(`${file} cannot be read: ${reason}.`)
  }
  const found = await stat(file).catch((error: NodeJS.ErrnoException) =>
    cannot(error.code === 'ENOENT' ? 'the file does not exist' : (error.code ?? error.message)),
  )
  if (found.isDirectory()) cannot('it is a folder')
  if (found.size > MAX_FILE_BYTES) cannot(`it is larger than ${MAX_FILE_BYTES >> 20} MiB`)
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) =>
    cannot(error.code ?? error.message),
  )
  try {
    return readLimits(text, gateway)
  } catch (error) {
    if (error instanceof UnreadableLimits) throw new UsageError(`${file}, ${error.message}.`)
    throw error
  }
}

/** @returns how many lines cannot be parsed */
async function replayLogs(
  logs: readonly string[],
  replay: LimitReplay,
  options: LogReaderOptions,
  stop: AbortSignal,
): Promise<number> {
  let unreadable = 0
  const doubts = new Map<string, string>()
  for (const source of await findSources(logs, say)) {
    const progress = startProgress('lines')
    let bytes = 0
    const reader = new LogReader(options, {
      accepted: (entry) => replay.push(seen(entry)),
      rejected: (lineNumber, reason) => {
        if (unreadable++ < 3) say(`${source.path}, line ${lineNumber}: ${reason}`)
      },
      doubted: (doubt, line) => {
        if (doubts.size < MAX_DOUBTS && !doubts.has(doubt)) doubts.set(doubt, line)
      },
    })
    try {
      for await (const piece of readSource(source, (count) => void (bytes += count), stop)) {
        reader.push(piece)
        progress.update(source.size ? bytes / source.size : 0, reader.lines)
      }
      reader.end()
    } catch (error) {
      if (error instanceof DamagedFileError) throw new NoDataError(`${source.path} is damaged.`)
      throw error
    } finally {
      progress.stop()
    }
  }
  for (const [doubt, line] of doubts) say(`Check: ${doubt}: ${line.slice(0, MAX_SHOWN)}`)
  if (unreadable > 0) say(`${unreadable} lines of the logs cannot be parsed.`)
  return unreadable
}

function seen({ timeMs, method, path, client, user, agent }: Readonly<LogEntry>) {
  const target = path ?? ''
  const end = target.search(/[?#]/)
  return {
    ...{ timeMs, method: method ?? '', target, path: end < 0 ? target : target.slice(0, end) },
    ...{
      address: client === null ? '' : (clientAddress(client) ?? client),
      user: user ?? '',
      agent: agent ?? '',
    },
  }
}

const say = (line: string) => void process.stderr.write(`${line}\n`)
