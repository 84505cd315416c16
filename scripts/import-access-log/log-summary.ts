import type { LogEntry } from '../../formats/access-log/log-entry.js'
import type { LogFormat } from '../../formats/access-log/log-format.js'

const REJECTIONS_SHOWN = 3
const DOUBTS_SHOWN = 5
const SHOWN = 100
/** Of the lines; with fewer, the format may be another one. */
const MIN_SHARE_READ = 0.99

/** The content of a log in numbers. */
export class LogSummary {
  accepted = 0
  rejected = 0
  #fromMs = Infinity
  #toMs = -Infinity
  #withAgent = false
  #withLatency = false
  readonly #samples = new Map<string, string>()
  readonly #examples: string[] = []
  readonly #doubts = new Map<string, string>()

  accept({ timeMs, agent, latencyMs }: Readonly<LogEntry>): void {
    this.accepted++
    if (timeMs < this.#fromMs) this.#fromMs = timeMs
    if (timeMs > this.#toMs) this.#toMs = timeMs
    if (agent !== null) this.#withAgent = true
    if (latencyMs !== null) this.#withLatency = true
  }

  /** Keeps the first request of each format. */
  sample(entry: Readonly<LogEntry>, format: string): void {
    if (this.#samples.has(format)) return
    const { timeMs, method, path, status, latencyMs, client, user } = entry
    const latency = latencyMs === null ? null : `${latencyMs} ms`
    const values = { method, path, status, latency, client, user }
    const texts = Object.entries(values).map(
      ([name, value]) => `${name} ${value === null ? 'none' : readable(value)}`,
    )
    this.#samples.set(format, [`time ${new Date(timeMs).toISOString()}`, ...texts].join(', '))
  }

  reject(lineNumber: number, reason: string, line: string): void {
    this.rejected++
    if (this.#examples.length >= REJECTIONS_SHOWN) return
    this.#examples.push(`  line ${lineNumber}: ${reason}: ${shown(line)}`)
  }

  /** Keeps the first line of each doubt. */
  doubt(doubt: string, line: string): void {
    if (!this.#doubts.has(doubt) && this.#doubts.size < DOUBTS_SHOWN) this.#doubts.set(doubt, line)
  }

  /** For example `combined format, with latencies`. */
  format(format: LogFormat | undefined): string {
    const clf = this.#withAgent ? 'combined' : 'common'
    const kinds: Readonly<Record<string, string>> = {
      clf: `${clf} format`,
      vhost: `${clf} format after the virtual host`,
      json: 'JSON lines',
      w3c: 'W3C format',
      text: 'the format of --log-format',
    }
    const name = format?.name ?? 'clf'
    const kind = [kinds[name] ?? `${name} format`, ...(format?.wrappers ?? []).toReversed()].join(' in ')
    return this.#withLatency ? `${kind}, with latencies` : `${kind}, without latencies`
  }

  /** What may have been read wrongly, each with a line. */
  doubts(): readonly string[] {
    const all = this.accepted + this.rejected
    const unread = this.rejected > 0 && this.accepted < MIN_SHARE_READ * all
    const share = `only ${((100 * this.accepted) / all).toFixed(1)} % of the lines can be read in this format`
    return [
      ...(unread
        ? [`  Check: ${share}: give --format, --log-format or --field if the others are requests too`]
        : []),
      ...[...this.#doubts].map(([doubt, line]) => `  Check: ${doubt}: ${shown(line)}`),
    ]
  }

  /** The time range in words; empty without requests. */
  range(): string {
    if (this.accepted === 0) return ''
    return ` from ${new Date(this.#fromMs).toISOString()} to ${new Date(this.#toMs).toISOString()}`
  }

  /** The first request of each format as it was read. */
  samples(): readonly string[] {
    const isOnly = this.#samples.size === 1
    return [...this.#samples].map(
      ([format, text]) => `  First request${isOnly ? '' : ` (${format})`}: ${text}`,
    )
  }

  /** The first lines that could not be parsed, with the reason. */
  examples(): readonly string[] {
    return this.#examples
  }
}

/** A value of a line, without control characters. */
function readable(value: string | number): string {
  return String(value)
    .slice(0, SHOWN)
    .replace(/[\x00-\x1f\x7f-\x9f]/g, '?')
}

function shown(line: string): string {
  return JSON.stringify(line.slice(0, SHOWN)) + (line.length > SHOWN ? '…' : '')
}
