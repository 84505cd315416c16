import type { LogEntry } from '../../formats/access-log/log-entry.js'
import { pathTemplate } from '../../models/traffic/path-template.js'
import { counted } from '../cli/counted.js'
import type { LogReaderOptions } from './log-reader.js'
import { LogReader } from './log-reader.js'
import { LogSummary } from './log-summary.js'

/** Different endpoints, or clients, that are counted. */
const MAX_DISTINCT = 1_000_000

/** Reads a log and describes its content. Writes nothing. */
export async function describeLog(
  name: string,
  pieces: AsyncIterable<Buffer>,
  options: LogReaderOptions,
  onLines: (count: number) => void,
): Promise<{ accepted: number; text: string }> {
  const summary = new LogSummary()
  const endpoints = new Distinct()
  const clients = new Distinct()
  const reader = new LogReader(options, {
    accepted(entry: Readonly<LogEntry>, _line, format) {
      summary.accept(entry)
      summary.sample(entry, format)
      endpoints.add(`${entry.method ?? ''} ${pathTemplate(entry.path ?? '')}`)
      clients.add(entry.user ?? entry.client ?? '')
    },
    rejected: (...line) => summary.reject(...line),
    doubted: (...line) => summary.doubt(...line),
  })
  for await (const piece of pieces) {
    reader.push(piece)
    onLines(reader.lines)
  }
  reader.end()
  const { accepted, rejected } = summary
  const counts = `${counted(accepted, 'request')} and ${counted(rejected, 'line')} that cannot be parsed`
  const lines = [
    `${name}: ${summary.format(reader.format)}; ${counted(reader.lines, 'line')}: ${counts}.`,
    ...summary.samples(),
    ...summary.examples(),
    ...summary.doubts(),
  ]
  if (accepted > 0) {
    lines.push(
      `  Requests${summary.range()}; ${endpoints.inWords('endpoint')}, ${clients.inWords('client')}.`,
    )
  }
  return { accepted, text: lines.join('\n') }
}

class Distinct {
  readonly #seen = new Set<string>()

  add(text: string): void {
    if (this.#seen.size < MAX_DISTINCT) this.#seen.add(text)
  }

  inWords(what: string): string {
    return `${this.#seen.size < MAX_DISTINCT ? '' : 'at least '}${counted(this.#seen.size, what)}`
  }
}
