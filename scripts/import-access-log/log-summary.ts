import type { LogEntry } from '../../formats/access-log/log-entry.js'
import type { LogFormat } from '../../formats/access-log/log-format.js'

const REJECTIONS_SHOWN = 3
const SHOWN = 100

/** The content of a log in numbers. */
export class LogSummary {
  accepted = 0
  rejected = 0
  #fromMs = Infinity
  #toMs = -Infinity
  #withAgent = false
  #withLatency = false
  readonly #examples: string[] = []

  accept({ timeMs, agent, latencyMs }: Readonly<LogEntry>): void {
    this.accepted++
    if (timeMs < this.#fromMs) this.#fromMs = timeMs
    if (timeMs > this.#toMs) this.#toMs = timeMs
    if (agent !== null) this.#withAgent = true
    if (latencyMs !== null) this.#withLatency = true
  }

  reject(lineNumber: number, reason: string, line: string): void {
    this.rejected++
    if (this.#examples.length >= REJECTIONS_SHOWN) return
    const start = JSON.stringify(line.slice(0, SHOWN)) + (line.length > SHOWN ? '…' : '')
    this.#examples.push(`  line ${lineNumber}: ${reason}: ${start}`)
  }

  /** For example `combined format, with latencies`. */
  format(format: LogFormat | undefined): string {
    const clf = this.#withAgent ? 'combined' : 'common'
    const kind =
      format === 'json'
        ? 'JSON lines'
        : format === 'vhost'
          ? `${clf} format after the virtual host`
          : `${clf} format`
    return this.#withLatency ? `${kind}, with latencies` : `${kind}, without latencies`
  }

  /** The time range in words; empty without requests. */
  range(): string {
    if (this.accepted === 0) return ''
    return ` from ${new Date(this.#fromMs).toISOString()} to ${new Date(this.#toMs).toISOString()}`
  }

  /** The first lines that could not be parsed, with the reason. */
  examples(): readonly string[] {
    return this.#examples
  }
}
