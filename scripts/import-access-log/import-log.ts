import type { Sql } from 'postgres'
import { trafficShape } from '../../db/traffic/columns.js'
import { importRequests, type LogPiece } from '../../db/traffic/import.js'
import type { TrafficTable } from '../../db/traffic/table.js'
import { NEEDED_LOG_COLUMNS, requestRows, type RequestRows } from '../../db/traffic/rows/log-row.js'
import type { LogReaderOptions } from './log-reader.js'
import { LogReader } from './log-reader.js'
import { LogSummary } from './log-summary.js'
import { rejectedLines, type RejectedLines } from './rejected-lines.js'
import { createRequestIds } from './request-id.js'
import { HOUR_MS } from '../../models/traffic/durations.js'

/** A log to import. */
export interface LogImport {
  readonly name: string
  readonly pieces: AsyncIterable<Buffer>
  readonly reading: LogReaderOptions
  readonly table: TrafficTable
  /** Whether paths have their host before them, where the log says it. */
  readonly withHosts?: boolean
  /** File for the lines that cannot be parsed. */
  readonly rejectedPath: string
  onLines(count: number): void
}

/** Imports the requests of a log into the traffic table, all or none, and describes the result. */
export async function importLog(
  sql: Sql,
  log: LogImport,
  signal: AbortSignal,
): Promise<{ accepted: number; text: string }> {
  const { table, name, rejectedPath } = log
  const rows = requestRows(table, await trafficShape(sql, table, NEEDED_LOG_COLUMNS), log.withHosts)
  const rejected = rejectedLines(rejectedPath)
  const work = copyLines(log, rows, rejected)
  try {
    const { added } = await importRequests(sql, {
      table,
      columns: rows.columns,
      pieces: work.pieces(),
      signal,
    })
    const { accepted, rejected: bad } = work.summary
    const lines = [
      `${name}: ${work.inWords()}: ${inWords(added)} imported into ${table}, ` +
        `${inWords(accepted - added)} there already, ${inWords(bad)} rejected.`,
    ]
    if (bad > 0) lines.push(`  The rejected lines are in ${rejectedPath}.`, ...work.summary.examples())
    return { accepted, text: lines.concat(work.summary.doubts(), work.remarks()).join('\n') }
  } catch (error) {
    await rejected.discard()
    throw error
  }
}

function copyLines({ pieces, reading, onLines }: LogImport, rows: RequestRows, rejected: RejectedLines) {
  const summary = new LogSummary()
  const idOf = createRequestIds()
  let piece = new GrowingPiece()
  const reader = new LogReader(reading, {
    accepted(entry, line) {
      summary.accept(entry)
      piece.add(entry.timeMs, rows.line(entry, idOf(line)))
    },
    rejected(...line) {
      summary.reject(...line)
      rejected.add(...line)
    },
    doubted: (...line) => summary.doubt(...line),
  })
  const taken = () => {
    const full = piece
    piece = new GrowingPiece()
    return full
  }
  return {
    summary,
    async *pieces(): AsyncGenerator<LogPiece, void> {
      for await (const bytes of pieces) {
        reader.push(bytes)
        onLines(reader.lines)
        await rejected.flush()
        if (piece.text !== '') yield taken()
      }
      reader.end()
      // Before the rows are committed, so that every line is in the table or in this file.
      await rejected.finish()
      if (piece.text !== '') yield taken()
    },
    inWords: () => `${inWords(reader.lines)} lines (${summary.format(reader.format)})${summary.range()}`,
    remarks(): string[] {
      const { withoutAddress } = rows
      return withoutAddress === 0
        ? []
        : [`  ${inWords(withoutAddress)} requests have no valid IP address. They are stored without one.`]
    },
  }
}

class GrowingPiece implements LogPiece {
  text = ''
  fromMs = Infinity
  toMs = -Infinity
  readonly hours: number[] = []

  add(timeMs: number, line: string): void {
    this.text += line
    if (timeMs < this.fromMs) this.fromMs = timeMs
    if (timeMs > this.toMs) this.toMs = timeMs
    const hour = Math.floor(timeMs / HOUR_MS)
    if (this.hours.at(-1) !== hour) this.hours.push(hour)
  }
}

const inWords = (count: number) => count.toLocaleString('en')
