import { Command, type OptionValues } from 'commander'
import { readFile, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { JSON_FIELDS } from '../../formats/access-log/json-names.js'
import type { LogEntry } from '../../formats/access-log/log-entry.js'
import { UnreadableLimits, type FileLimits, type SeenRequest } from '../../formats/limit-files/read/limits.js'
import {
  CHECKED_GATEWAYS,
  readLimits,
  type CheckedGateway,
} from '../../formats/limit-files/read/read-limits.js'
import { clientAddress } from '../../models/traffic/client-address.js'
import { counted } from '../cli/counted.js'
import { NoDataError, UsageError } from '../cli/errors.js'
import { choice, share } from '../cli/options.js'
import { withOutput } from '../cli/output.js'
import { assertFewRejected } from '../cli/rejected.js'
import { startProgress } from '../cli/progress.js'
import { endAtOnce } from '../cli/stop.js'
import { LogReader, type LogReaderOptions } from '../import-access-log/log-reader.js'
import { DamagedFileError, findSources, readSource, STDIN } from '../import-access-log/log-source.js'
import { addReadingOptions, readingOf, type ReadingFlags } from '../import-access-log/reading-options.js'
import { IncludedFiles } from './included-files.js'
import { guarded, smallPieces } from './guarded.js'
import { LimitReplay } from './replay.js'
import { checkReport, checkText } from './report.js'
import { TimeOrder } from './time-order.js'

interface Flags extends ReadingFlags {
  readonly gateway?: CheckedGateway
  readonly json?: true
  readonly server?: string
  readonly prefix?: string
  readonly maxRejected?: number
}

const MAX_FILE_BYTES = 64 << 20
/** Characters of a line that is printed. */
const MAX_SHOWN = 200
const AT_ONCE = 500
const MAX_DOUBTS = 10
const SORT = 'Sort the logs by time.'

const NOTES = `
FILE has rate limits:
  nginx    limit_req_zone and limit_req with includes, locations, rewrite rules, map and geo; the output of \`nginx -T\` too
  haproxy  stick-table, http-request track-sc and deny by http_req_rate, with maps and files of patterns
  envoy    token_bucket and descriptors of local_ratelimit, or descriptors of envoyproxy/ratelimit
  kong     the plugin rate-limiting of a declarative configuration
  aegis    JSON or YAML of GET /export/rate-limits?format=json or aegis

Requests are sorted by time, 200,000 at a time: gateways log a request when it ends. Those further out of order are reported.
Something that is not understood ends the command, with its line. Files in log-only mode are checked as if they enforced.

Fields of JSON lines: ${JSON_FIELDS.join(', ')}.

Examples:
  aegis-ml check limits.conf access.log
  aegis-ml check --max-rejected 0.1% --json kong.yaml access.log.1.gz access.log
  ssh gateway cat access.log | aegis-ml check haproxy.cfg -
  aegis-ml check --server api.example.com --prefix /etc/nginx nginx.conf access.log

The report is on standard output, everything else on standard error.
Exit codes: 0 success; 1 more is rejected than --max-rejected, no requests, or a damaged log; 2 usage, or a file that is not
understood.`

/** `check`: replays access logs through the limits of a file. */
export function checkLimits(stop: AbortSignal): Command {
  const command = new Command('check')
    .description('Replay access logs through the rate limits of a file, and report who would be cut off.')
    .argument('<file>', 'rate limits of nginx, HAProxy, Envoy, Kong or AEGIS ML')
    .argument('<logs...>', 'access logs, plain or compressed, the oldest first; - is standard input')
    .option(
      '--gateway <gateway>',
      `what the limits are for: ${CHECKED_GATEWAYS.join(', ')} (default: told from the file)`,
      choice('--gateway', CHECKED_GATEWAYS),
    )
    .option(
      '--server <name>',
      'the server whose log it is: a server_name of NGINX, a frontend of HAProxy, a domain of Envoy, a host of Kong',
    )
    .option(
      '--prefix <folder>',
      'where relative paths of includes, maps and pattern files begin (default: the folder of FILE)',
    )
    .option(
      '--max-rejected <share>',
      'exit code 1 when more requests are rejected, such as 0.1% or 0.001',
      share('--max-rejected'),
    )
    .option('--json', 'print the report as JSON')
  return addReadingOptions(command)
    .addHelpText('after', NOTES)
    .action((file: string, logs: string[], flags: OptionValues) => run(file, logs, flags as Flags, stop))
}

async function run(file: string, logs: readonly string[], flags: Flags, stop: AbortSignal): Promise<void> {
  endAtOnce()
  try {
    const limits = await limitsOf(file, flags)
    for (const remark of limits.remarks) say(remark)
    const replay = new LimitReplay(limits)
    const unreadable = await replayLogs(logs, replay, readingOf(flags), stop)
    if (replay.total.requests === 0)
      throw new NoDataError('no data: the logs have no request. Check the files and --format.')
    if (replay.late > 0)
      say(
        `${counted(replay.late, 'request')} came too late to be sorted, and counted at the time of the one ahead. ${SORT}`,
      )
    const report = checkReport({ name: basename(file), limits, unreadable }, replay)
    if (report.unattributed > 0)
      say(`${counted(report.unattributed, 'request')} passed uncounted: there are too many clients.`)
    if (replay.hasMoreClients)
      say(`Only the first ${report.clients} clients are counted as clients. All requests are counted.`)
    await withOutput(undefined, stop, (output) =>
      output.write(flags.json ? `${JSON.stringify(report, null, 2)}\n` : checkText(report)),
    )
    assertFewRejected(report.rejected_share, flags.maxRejected)
  } catch (error) {
    // Some files are understood until a request comes whose way no log tells.
    if (error instanceof UnreadableLimits) throw new UsageError(`${file}, ${error.message}.`)
    throw error
  } finally {
    if (logs.includes(STDIN)) process.stdin.destroy()
  }
}

async function limitsOf(file: string, { gateway, server, prefix }: Flags): Promise<FileLimits> {
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
  return readLimits(text, gateway, { server, files: new IncludedFiles(prefix ?? dirname(file)) })
}

/** @returns how many lines cannot be parsed */
async function replayLogs(
  logs: readonly string[],
  replay: LimitReplay,
  options: LogReaderOptions,
  stop: AbortSignal,
): Promise<number> {
  let unreadable = 0
  const inOrder = new TimeOrder<SeenRequest>((request) => replay.push(request))
  const doubts = new Map<string, string>()
  for (const source of await findSources(logs, say)) {
    const progress = startProgress('lines')
    let bytes = 0
    const reader = new LogReader(options, {
      accepted: (entry, line) => inOrder.push(seen(entry), line.length),
      rejected: (lineNumber, reason) => {
        if (unreadable++ < 3) say(`${source.path}, line ${lineNumber}: ${reason}`)
      },
      doubted: (doubt, line) => {
        if (doubts.size < MAX_DOUBTS && !doubts.has(doubt)) doubts.set(doubt, line)
      },
    })
    try {
      for await (const piece of readSource(source, (count) => void (bytes += count), stop)) {
        for (const part of smallPieces(piece)) guarded(() => reader.push(part))
        progress.update(source.size ? bytes / source.size : 0, reader.lines)
      }
      guarded(() => reader.end())
    } catch (error) {
      if (error instanceof DamagedFileError) throw new NoDataError(`${source.path} is damaged.`)
      throw error
    } finally {
      progress.stop()
    }
  }
  for (let waits = true; waits;) guarded(() => void (waits = inOrder.end(AT_ONCE)))
  for (const [doubt, line] of doubts) say(`Check: ${doubt}: ${line.slice(0, MAX_SHOWN)}`)
  if (unreadable > 0) say(`${counted(unreadable, 'line')} of the logs cannot be parsed.`)
  return unreadable
}

/** Addresses as they are compared, by how the log has them: most requests are of few clients. */
const MAX_ADDRESSES = 50_000
const addresses = new Map<string, string>()

function addressOf(client: string): string {
  const known = addresses.get(client)
  if (known !== undefined) return known
  if (addresses.size >= MAX_ADDRESSES) addresses.clear()
  const address = clientAddress(client) ?? client
  addresses.set(client, address)
  return address
}

function seen({ timeMs, method, path, client, user, agent, status }: Readonly<LogEntry>): SeenRequest {
  const target = path ?? ''
  const fragment = target.indexOf('#')
  return {
    timeMs,
    method: method ?? '',
    target,
    path: fragment < 0 ? target : target.slice(0, fragment),
    address: client === null ? '' : addressOf(client),
    user: user ?? '',
    agent: agent ?? '',
    ...(status !== null && { status }),
  }
}

const say = (line: string) => void process.stderr.write(`${line}\n`)
