import { Command, type OptionValues } from 'commander'
import { counted, inWords } from '../cli/counted.js'
import { choice, dateOrTime, share, wholeNumber } from '../cli/options.js'
import { withOutput } from '../cli/output.js'
import { assertFewRejected, percent } from '../cli/rejected.js'
import { startProgress } from '../cli/progress.js'
import { serviceAddress } from '../cli/service-address.js'
import { runBacktest, type Report } from './service.js'

interface Flags {
  readonly url?: string
  readonly days?: number
  readonly from?: Date
  readonly to?: Date
  readonly json?: true
  readonly maxRejected?: number
  readonly [name: string]: unknown
}

const MAX_LIMIT = 1_000_000
const MAX_SHOWN = 10
const SCOPES = ['endpoint', 'client', 'gateway-client'] as const
const STRATEGIES = ['conservative', 'balanced', 'permissive', 'adaptive'] as const

const NOTES = `
Without --limit, the recommended limits are replayed, which needs a training. Progress is shown on a terminal. Ctrl-C stops
the backtest in the service too.

Examples:
  aegis-ml backtest --scope gateway-client
  aegis-ml backtest --endpoint /api/orders --scope client --limit 60 --burst 20
  aegis-ml backtest --scope client --days 1 --max-rejected 0.1% --json

The report is on standard output, everything else on standard error.
Exit codes: 0 success; 1 more is rejected than --max-rejected, or no requests; 2 usage; 3 the service cannot\nbe reached, or cannot answer now.`

/** `backtest`: has a service replay stored requests through limits. */
export function backtest(stop: AbortSignal): Command {
  const whole = (flag: string, max: number) => wholeNumber(flag, { min: 1, max })
  return new Command('backtest')
    .description('Replay the stored requests of a service through a limit, and report what it would reject.')
    .option(
      '--url <url>',
      'address of the service (default: port ML_SERVICE_PORT, or else 5000, of this machine); its key is ML_SERVICE_API_KEY',
    )
    .option('--endpoint <endpoint>', 'one endpoint, such as /api/orders or "POST /api/orders" (default: all)')
    .option('--scope <scope>', `whose requests count: ${SCOPES.join(', ')}`, choice('--scope', SCOPES))
    .option('--tier <tier>', 'tier of the recommended limits')
    .option('--strategy <strategy>', STRATEGIES.join(', '), choice('--strategy', STRATEGIES))
    .option(
      '--cost <cost>',
      'what limits count: requests, or latency_ms (milliseconds of backend time)',
      choice('--cost', ['requests', 'latency_ms']),
    )
    .option(
      '--limit <n>',
      'requests per window (default: the recommended limits)',
      whole('--limit', MAX_LIMIT),
    )
    .option('--burst <n>', 'requests at once; only with --limit', whole('--burst', MAX_LIMIT))
    .option(
      '--window-seconds <n>',
      'length of the window; only with --limit',
      whole('--window-seconds', 86_400),
    )
    .option(
      '--algorithm <name>',
      'token_bucket or fixed_window',
      choice('--algorithm', ['token_bucket', 'fixed_window']),
    )
    .option('--by-method', 'each method of a path is an endpoint of its own')
    .option('--days <n>', 'the last n days, 1 to 90 (default: 7)', whole('--days', 90))
    .option('--from <time>', 'start of the range, instead of --days', dateOrTime('--from'))
    .option('--to <time>', 'end of the range; only with --from', dateOrTime('--to'))
    .option(
      '--max-rejected <share>',
      'exit code 1 when more is rejected, such as 0.1%',
      share('--max-rejected'),
    )
    .option('--json', 'print the report as JSON')
    .addHelpText('after', NOTES)
    .action((flags: OptionValues) => run(flags as Flags, stop))
}

async function run(flags: Flags, stop: AbortSignal): Promise<void> {
  const url = serviceAddress(flags.url)
  const progress = startProgress('minutes of traffic')
  const minutes = minutesOf(flags)
  let report: Report
  try {
    const onProgress = (done: number) => progress.update(done, Math.round(done * minutes))
    report = await runBacktest(url, bodyOf(flags), onProgress, stop)
  } finally {
    progress.stop()
  }
  await withOutput(undefined, stop, (output) =>
    output.write(flags.json ? `${JSON.stringify(report, null, 2)}\n` : reportText(report)),
  )
  assertFewRejected(report.rejection_rate, flags.maxRejected)
}

const DEFAULT_DAYS = 7
const MINUTES_PER_DAY = 1440

function minutesOf({ days = DEFAULT_DAYS, from, to = new Date() }: Flags): number {
  return from ? (to.getTime() - from.getTime()) / 60_000 : days * MINUTES_PER_DAY
}

function bodyOf(flags: Flags): object {
  const {
    endpoint,
    scope,
    tier,
    strategy,
    cost,
    limit,
    burst,
    windowSeconds,
    algorithm,
    byMethod,
    days,
    from,
    to,
  } = flags
  return {
    ...{ endpoint, scope, tier, strategy, cost, limit, burst, algorithm, days, from, to },
    ...{ window_seconds: windowSeconds, by_method: byMethod },
  }
}

/** A report for a person. */
function reportText(report: Report): string {
  const { requests, rejected, clients, clients_affected: affected } = report
  const rejectedBy = (name: string, each: { requests: number; rejected: number }) =>
    `  ${name}: ${inWords(each.rejected)} of ${inWords(each.requests)}`
  const endpoints = report.by_endpoint.filter((each) => each.rejected > 0).slice(0, MAX_SHOWN)
  const limits = (report.by_limit ?? []).filter((each) => each.rejected > 0)
  const lines = [
    `${counted(requests, 'request')} from ${report.from} to ${report.to}, replayed in ${report.seconds.toFixed(1)} s.`,
    `Rejected: ${counted(rejected, 'request')} (${percent(report.rejection_rate)}), of ${inWords(affected)} of ${counted(clients, 'client')}.`,
    ...(limits.length > 0 ? ['Limits:'] : []),
    ...limits.map(
      (each) =>
        `  ${each.scope} ${each.limit}: ${inWords(each.rejected)} of ${counted(each.clients, 'client')}`,
    ),
    ...(endpoints.length > 0 ? ['Endpoints:'] : []),
    ...endpoints.map((each) => rejectedBy(each.endpoint, each)),
    ...(report.worst_clients.length > 0 ? ['Clients:'] : []),
    ...report.worst_clients.map((each) => rejectedBy(each.client, each)),
    ...(report.worst_minutes.length > 0 ? ['Minutes:'] : []),
    ...report.worst_minutes.map((each) => rejectedBy(each.minute, each)),
  ]
  return `${lines.map(printable).join('\n')}\n`
}

/** A log may hold anything: control characters would reach the terminal. */
const printable = (line: string) => line.replace(/[\x00-\x1f\x7f-\x9f]/g, '?')
