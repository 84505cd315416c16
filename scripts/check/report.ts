import type { FileLimits } from '../../formats/limit-files/read/limits.js'
import { counted, inWords } from '../cli/counted.js'
import { percent } from '../cli/rejected.js'
import type { LimitReplay } from './replay.js'

const WORST = 10

export interface CheckedFile {
  readonly name: string
  readonly limits: FileLimits
  /** Lines of the log that cannot be parsed. */
  readonly unreadable: number
}

/** What the limits would have done, as JSON has it. */
export function checkReport({ name, limits, unreadable }: CheckedFile, replay: LimitReplay) {
  const { requests, rejected } = replay.total
  const clients = [...replay.byClient].map(([client, tally]) => ({ client, ...tally }))
  return {
    file: name,
    gateway: limits.gateway,
    limits: limits.count,
    from: requests > 0 ? new Date(replay.fromMs).toISOString() : null,
    to: requests > 0 ? new Date(replay.toMs).toISOString() : null,
    requests,
    unreadable_lines: unreadable,
    late_requests: replay.late,
    rejected,
    rejected_share: requests > 0 ? rejected / requests : 0,
    clients: clients.length,
    clients_affected: clients.filter((each) => each.rejected > 0).length,
    unattributed: replay.unattributed,
    by_limit: [...replay.byLimit]
      .map(([limit, tally]) => ({
        limit,
        requests: tally.requests,
        rejected: tally.rejected,
        rejected_share: tally.rejected / tally.requests,
        clients_affected: tally.clients.size,
        endpoints: worst(tally.endpoints).map(([endpoint, count]) => ({ endpoint, rejected: count })),
        clients: worst(tally.clients).map(([client, count]) => ({ client, rejected: count })),
      }))
      .sort((a, b) => b.rejected - a.rejected),
    worst_clients: clients
      .filter((each) => each.rejected > 0)
      .sort((a, b) => b.rejected - a.rejected)
      .slice(0, WORST),
    examples: replay.examples,
    remarks: limits.remarks,
  }
}

export type CheckReport = ReturnType<typeof checkReport>

function worst(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].sort(([, a], [, b]) => b - a).slice(0, WORST)
}

/** The same for a person. */
export function checkText(report: CheckReport): string {
  const { requests, rejected, rejected_share: share, clients, clients_affected: affected } = report
  const lines = [
    `${report.file}: ${counted(report.limits, 'limit')} of ${report.gateway}.`,
    `${counted(requests, 'request')} from ${report.from} to ${report.to}.`,
    `Rejected: ${counted(rejected, 'request')} (${percent(share)}), of ${inWords(affected)} of ${counted(clients, 'client')}.`,
    ...report.by_limit
      .filter((limit) => limit.rejected > 0)
      .slice(0, 2 * WORST)
      .flatMap(limitLines),
    ...(report.examples.length > 0 ? ['First rejected requests:'] : []),
    ...report.examples.map(
      ({ time, client, method, path, limit }) => `  ${time} ${client} ${method} ${path} (${limit})`,
    ),
  ]
  return `${lines.map(printable).join('\n')}\n`
}

function limitLines(limit: CheckReport['by_limit'][number]): string[] {
  return [
    `${limit.limit}: ${inWords(limit.rejected)} of ${counted(limit.requests, 'request')} (${percent(limit.rejected_share)}), of ${counted(limit.clients_affected, 'client')}`,
    `  endpoints: ${limit.endpoints.map(({ endpoint, rejected }) => `${endpoint} ${inWords(rejected)}`).join(', ')}`,
    `  clients: ${limit.clients.map(({ client, rejected }) => `${client} ${inWords(rejected)}`).join(', ')}`,
  ]
}

/** A log may hold anything: control characters would reach the terminal. */
function printable(line: string): string {
  return line.replace(/[\x00-\x1f\x7f-\x9f]/g, '?')
}
