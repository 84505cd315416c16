import {
  bucketLines,
  clockFor,
  clockLines,
  longLines,
  rateLines,
  rule,
  takeLines,
  type Clock,
} from './haproxy/bucket.js'
import { endpointLines } from './haproxy/endpoints.js'
import { Programs } from './haproxy/programs.js'
import { ipNetwork } from './ip-network.js'
import { commentText, headLines, leftOut, type FileHead, type RateLimitEntry } from './limit-entry.js'
import { limitPlan, restInWords, type LimitPlan } from './limit-plan.js'

/** Microseconds of a table's counters, and their rates, have one period. */
interface Context {
  readonly programs: Programs
  readonly clock: Clock
}

/**
 * A file for HAProxy (2.6 or later, with PCRE): tables, and a named section `defaults` with the rules. The rules are
 * the token bucket that the backtest replays. Long windows and failures are counted in gpc0 and gpc1. It rejects
 * nothing until it is told to enforce.
 */
export function haproxyFile(entries: readonly RateLimitEntry[], head: FileHead, enforce = false): string {
  const plan = withOnePeriod(limitPlan(entries))
  const { gateway, endpoints, other } = plan
  const limited = [...endpoints, ...(other ? [other] : [])]
  const programs = new Programs(entries)
  const clock = clockFor(entries.flatMap((entry) => [entry, ...entry.exceptions]))
  const lines = [
    ...headLines(head).map((line) => `# ${line}`),
    ...notes(plan).map((line) => `# ${line}`),
    ...remarks(entries, plan),
    '',
    ...(gateway[0] ? table('aegis_clients', [gateway[0]]) : []),
    ...(limited.length > 0 ? table('aegis_endpoints', limited) : []),
    'defaults aegis_limits',
    '    mode http',
    `    acl aegis_enforce always_${enforce ? 'true' : 'false'}`,
    ...(entries.length > 0 ? clientLines(programs, clock) : []),
    ...(gateway[0] ? gatewayLines(gateway[0], { programs, clock }) : []),
    ...(limited.length > 0 ? endpointPart(plan, { programs, clock }) : []),
    ...(entries.length > 0 ? decision(gateway[0] ?? null, limited) : []),
  ]
  return `${lines.join('\n')}\n`
}

function notes(plan: LimitPlan): string[] {
  return [
    'haproxy -f aegis-limits.cfg -f haproxy.cfg, and in haproxy.cfg: frontend web from aegis_limits',
    'A frontend has one set of defaults: add your own (timeouts, log) below `mode http`.',
    'Paths are matched as they come, encoded, with their case and last slash, without the query string. HAProxy merges',
    'no slashes and removes no dot segments, unless http-request normalize-uri stands before these rules.',
    restInWords(plan),
    'always_false: requests over a limit are only logged, as warnings. Set aegis_enforce to always_true to reject them.',
  ]
}

/** A table counts over windows of one length. */
function withOnePeriod(plan: LimitPlan): LimitPlan {
  const seconds = plan.endpoints.find(({ longWindow }) => longWindow)?.longWindow?.seconds
  const kept = (entry: RateLimitEntry) =>
    entry.longWindow && entry.longWindow.seconds !== seconds ? { ...entry, longWindow: null } : entry
  return { ...plan, endpoints: plan.endpoints.map(kept), other: plan.other && kept(plan.other) }
}

function remarks(entries: readonly RateLimitEntry[], { gateway, endpoints }: LimitPlan): string[] {
  const [long] = endpoints.flatMap(({ longWindow }) => longWindow?.seconds ?? [])
  const unknown = entries
    .flatMap(({ exceptions }) => exceptions)
    .filter(({ kind, client }) => kind === 'address' && ipNetwork(client) === null)
  return [
    ...entries.flatMap((entry) => {
      const longWindow = entry.scope === 'gateway-client' ? true : long === undefined ? false : [long]
      return leftOut(entry, 'HAProxy', { longWindow, failures: true, distinctPaths: false })
    }),
    ...gateway
      .slice(1)
      .map(({ endpoint }) => `Left out, as there is one limit over the gateway: ${commentText(endpoint)}`),
    ...new Set(unknown.map(({ client }) => `Left out, as it is no address: ${commentText(client)}`)),
  ].map((line) => `# ${line}`)
}

/** A bucket is full again after burst / limit minutes; a window is over after its seconds. */
function table(name: string, entries: readonly RateLimitEntry[]): string[] {
  const [long] = entries.flatMap(({ longWindow }) => longWindow ?? [])
  const [failures] = entries.flatMap((each) => each.failures ?? [])
  const rates = entries.flatMap((entry) => [entry, ...entry.exceptions])
  const full = rates.reduce((most, { limit, burst }) => Math.max(most, Math.ceil((60 * burst) / limit)), 60)
  const expire = Math.max(full, long?.seconds ?? 0, failures?.seconds ?? 0) + 60
  const counters = [
    'gpt0',
    ...(long ? [`gpc0,gpc0_rate(${long.seconds}s)`] : []),
    ...(failures ? [`gpc1,gpc1_rate(${failures.seconds}s)`] : []),
  ]
  return [
    `backend ${name}`,
    `    stick-table type string len 256 size 500k expire ${expire}s store ${counters.join(',')}`,
    '',
  ]
}

/** Who sends the request, and when. */
function clientLines(programs: Programs, clock: Clock): string[] {
  return [
    '    # A client is its address; of IPv6 the first 64 bits. Put in a user id where HAProxy has verified one before.',
    rule('set-var(txn.aegis_client) src,ipmask(32,64)'),
    ...programs.lines(),
    ...clockLines(clock),
  ]
}

function gatewayLines(entry: RateLimitEntry, { programs, clock }: Context): string[] {
  const { longWindow, failures, exceptions } = entry
  return [
    '    # The limit of each client over the whole gateway.',
    ...rateLines('gateway', entry, clock, ''),
    ...longLines('gateway', longWindow, ''),
    rule('set-var(txn.aegis_gateway_key) var(txn.aegis_client)'),
    ...exceptions.flatMap((own) => {
      const program = programs.numberOf(own)
      if (program === undefined) return []
      const condition = ` if { var(txn.aegis_program) -m str ${program} }`
      return [
        ...rateLines('gateway', own, clock, condition),
        rule(`set-var(txn.aegis_gateway_key) str(program),concat(" ",txn.aegis_program)${condition}`),
        rule(`set-var(txn.aegis_gateway_program) bool(true)${condition}`),
        ...(longWindow ? [rule(`unset-var(txn.aegis_gateway_long)${condition}`)] : []),
      ]
    }),
    rule('track-sc0 var(txn.aegis_gateway_key) table aegis_clients'),
    ...bucketLines('gateway', 0, longWindow !== null),
    ...(failures
      ? [rule(`set-var(txn.aegis_over) str(failures) if { sc_gpc1_rate(0) ge ${failures.limit} } ${notOwn}`)]
      : []),
  ]
}

const notOwn = '!{ var(txn.aegis_gateway_program) -m found }'

function endpointPart({ endpoints, other }: LimitPlan, context: Context): string[] {
  const hasLong = [...endpoints, other].some((entry) => entry?.longWindow)
  return [
    '    # The limit of the endpoint: the first that matches counts.',
    ...endpointLines(endpoints, other, context),
    rule('track-sc1 var(txn.aegis_key) table aegis_endpoints if { var(txn.aegis_key) -m found }'),
    ...bucketLines('endpoint', 1, hasLong),
  ]
}

function decision(gateway: RateLimitEntry | null, limited: readonly RateLimitEntry[]): string[] {
  const over = '{ var(txn.aegis_over) -m found }'
  return [
    '    # A request over a limit is counted by none.',
    rule(`set-log-level warning if ${over}`),
    rule(`deny deny_status 429 if aegis_enforce ${over}`),
    ...(gateway ? takeLines('gateway', 0, gateway.longWindow !== null) : []),
    ...(limited.length > 0
      ? takeLines(
          'endpoint',
          1,
          limited.some(({ longWindow }) => longWindow),
        )
      : []),
    ...(gateway?.failures ? [`    http-response sc-inc-gpc1(0) if { status 401 403 404 } ${notOwn}`] : []),
  ]
}
