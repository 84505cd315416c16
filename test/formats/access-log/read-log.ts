import { clientAddress } from '../../../models/traffic/client-address.js'
import { AUTO, clientRule } from '../../../formats/access-log/client-rule.js'
import type { LogEntry } from '../../../formats/access-log/log-entry.js'
import { LogReader } from '../../../scripts/import-access-log/log-reader.js'

/** A request as the cases have it. */
export interface Expected {
  readonly method: string | null
  readonly path: string | null
  readonly status: number | null
  readonly ms: number | null
  readonly client: string | null
  readonly user: string | null
  readonly time: string
}

interface ReadLog {
  readonly requests: readonly Expected[]
  readonly rejected: readonly string[]
  readonly doubts: readonly string[]
  readonly format: string
}

/** Reads a text as the import does. @param flags as on the command line: `--client forwarded --log-format '…'` */
export function readLog(text: string, flags = ''): ReadLog {
  const requests: Expected[] = []
  const rejected: string[] = []
  const doubts = new Set<string>()
  const format = flag(flags, 'log-format')
  const client = clientRule(flag(flags, 'client') ?? '') ?? AUTO
  const reader = new LogReader(
    { name: flag(flags, 'format'), text: format, names: {}, client, timeZone: flag(flags, 'time-zone') },
    {
      accepted: (entry) => void requests.push(requestOf(entry)),
      rejected: (_, reason, line) => void rejected.push(`${reason}: ${line}`),
      doubted: (doubt) => void doubts.add(doubt),
    },
  )
  reader.push(Buffer.from(text, 'utf8'))
  reader.end()
  const { name = '', wrappers = [] } = reader.format ?? {}
  return { requests, rejected, doubts: [...doubts], format: [name, ...wrappers].join(' in ') }
}

function flag(flags: string, name: string): string | undefined {
  const [, quoted, bare] = new RegExp(`--${name} (?:'([^']*)'|(\\S+))`).exec(flags) ?? []
  return quoted ?? bare
}

function requestOf(entry: Readonly<LogEntry>): Expected {
  const { method, path, status, latencyMs: ms, client, user, timeMs } = entry
  const address = client === null ? null : (clientAddress(client) ?? client)
  return { method, path, status, ms, client: address, user, time: new Date(timeMs).toISOString() }
}
