import type { MinuteReport } from './recorder.js'
import type { PhaseOutcome } from './story.js'

/** The fields of a verdict that the demo uses. */
export interface Verdict {
  readonly anomaly: boolean
  readonly normalized_score: number
  readonly anomaly_type: string | null
  readonly severity: string | null
  readonly explanation: string
  readonly confirmed: boolean
}

const COLOURS = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const
export type Paint = (colour: keyof typeof COLOURS, text: string) => string

/** Colours text on terminals, unless NO_COLOR is set. */
export function createPaint(isTerminal: boolean, noColor: string | undefined): Paint {
  if (!isTerminal || (noColor ?? '') !== '') return (_, text) => text
  return (colour, text) => `\x1b[${COLOURS[colour]}m${text}\x1b[0m`
}

/** One line for the minute, and a second line with the explanation of an anomaly. */
export function formatMinute(report: MinuteReport, verdict: Verdict, paint: Paint): string {
  const figures = [
    report.timestamp.slice(11, 16),
    `${report.requests_per_second.toFixed(2).padStart(6)} req/s`,
    `avg ${report.avg_latency_ms.toFixed(0).padStart(4)} ms`,
    `p95 ${report.p95_latency_ms.toFixed(0).padStart(4)} ms`,
    `errors ${(100 * report.error_rate).toFixed(1).padStart(5)} %`,
  ].join('  ')
  const score = `score ${verdict.normalized_score.toFixed(2)}`
  if (!verdict.anomaly) return `  ${figures}  ${paint('green', 'normal')}  ${paint('dim', score)}`
  const found = `ANOMALY ${verdict.anomaly_type}, ${verdict.severity}, ${score}`
  const colour = verdict.confirmed ? 'red' : 'yellow'
  return `  ${figures}  ${paint(colour, found)}\n         ${paint('dim', verdict.explanation)}`
}

export function formatOutcome({ phase, passed, text }: PhaseOutcome, paint: Paint): string {
  const mark = passed ? paint('green', 'ok    ') : paint('red', 'MISSED')
  return `  ${mark}  ${phase.title}: ${text}`
}

/** Commands to try next. They work as printed. */
export function formatNextSteps(url: string, usual: MinuteReport, paint: Paint): string {
  const { requests_per_second, avg_latency_ms, p95_latency_ms, p99_latency_ms, error_rate } = usual
  const tidy = (value: number) => Number(value.toPrecision(4))
  const body = (factor: number) =>
    JSON.stringify({
      requests_per_second: tidy(requests_per_second * factor),
      avg_latency_ms: tidy(avg_latency_ms),
      p95_latency_ms: tidy(p95_latency_ms),
      p99_latency_ms: tidy(p99_latency_ms),
      error_rate: tidy(error_rate),
      source: 'curl',
    })
  const detect = (factor: number) =>
    `curl -s -X POST ${url}/detect -H 'content-type: application/json' -d '${body(factor)}'`
  const step = (title: string, line: string) => `  ${title}\n    ${paint('cyan', line)}`
  return [
    paint('bold', 'Next steps'),
    step('Try every route in the browser (Swagger UI)', `${url}/docs`),
    step('Judge a usual minute', detect(1)),
    step('Judge a minute with ten times the traffic', detect(10)),
    step('Get the trend of the last hour of the demo', `curl -s '${url}/detect/trend?source=demo'`),
    step('Show what the model has learned', `curl -s ${url}/model/info`),
    step('Show the state of the service', `curl -s ${url}/health`),
  ].join('\n')
}

export interface Progress {
  update(done: number, total: number): void
  end(): void
}

const BAR_WIDTH = 40
const LINE_EVERY = 15

/** A bar on a terminal, otherwise a line every 15 minutes. */
export function createProgress(isTerminal: boolean, write: (text: string) => void): Progress {
  return {
    update(done, total) {
      if (isTerminal) {
        const filled = Math.round((BAR_WIDTH * done) / total)
        write(`\r  [${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}] ${done} of ${total} minutes`)
      } else if (done % LINE_EVERY === 0 || done === total) {
        write(`  ${done} of ${total} minutes\n`)
      }
    },
    end() {
      if (isTerminal) write('\n')
    },
  }
}
