import type { IncidentEvent } from '@aegis/ml-client'
import type { MinuteFigures } from './log.js'
import type { Arrival } from './receiver.js'
import type { Outcome } from './story.js'

const COLOURS = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const
export type Paint = (colour: keyof typeof COLOURS, text: string) => string

/** Colours text on terminals, unless NO_COLOR is set. */
export function createPaint(isTerminal: boolean, noColor: string | undefined): Paint {
  if (!isTerminal || (noColor ?? '') !== '') return (_, text) => text
  return (colour, text) => `\x1b[${COLOURS[colour]}m${text}\x1b[0m`
}

export function formatMinute(
  timeMs: number,
  { requests, p95Ms, errorRate }: MinuteFigures,
  paint: Paint,
): string {
  const figures = [
    clock(timeMs),
    `${String(requests).padStart(5)} requests`,
    `p95 ${p95Ms.toFixed(0).padStart(4)} ms`,
    `errors ${(100 * errorRate).toFixed(1).padStart(4)} %`,
  ]
  return paint('dim', `  ${figures.join('  ')}`)
}

type Incident = IncidentEvent['incident']

/**
 * What is new about an incident.
 * @param before as it was; undefined when it is new
 * @param seconds since the start of the demo
 */
export function formatIncident(
  now: Incident,
  before: Incident | undefined,
  seconds: number,
  paint: Paint,
): string[] {
  const { id, severity, type, endpoints, impact, change, recommendation } = now
  const title = `INCIDENT ${id}`
  const origin = endpoints[0]?.endpoint ?? 'the gateway'
  const lines: string[] = []
  if (before === undefined) {
    const since = `since ${clock(Date.parse(now.started_at))}`
    lines.push(paint('red', `  ${title}  ${type} of ${origin}, ${severity}, ${since}`))
    lines.push(`    ${now.explanation}`)
    lines.push(paint('dim', `    On the screen ${seconds.toFixed(0)} s after the start of the demo.`))
  } else if (severity !== before.severity) {
    lines.push(paint('yellow', `  ${title}  is now ${severity}`))
  }
  if (change && change.kind !== before?.change?.kind)
    lines.push(paint('yellow', `  ${title}  what changed: ${change.detail}`))
  if (recommendation && recommendation.summary !== before?.recommendation?.summary) {
    const { recommended_limit: limit, recommended_burst: burst, summary } = recommendation
    lines.push(
      paint(
        'yellow',
        `  ${title}  proposed limit: ${limit} requests/min for each client, burst ${burst}: ${summary}`,
      ),
    )
  }
  if (now.ended_at && !before?.ended_at) {
    const harm = `${impact.failed} failed and ${impact.slow} were slow, more than usual`
    lines.push(
      paint(
        'green',
        `  ${title}  has ended at ${clock(Date.parse(now.ended_at))}: of ${impact.requests} requests, ${harm}`,
      ),
    )
  }
  return lines
}

export function formatArrival({ type, summary }: Arrival, paint: Paint): string {
  return `  ${paint('cyan', `webhook  ${type}`)}  ${summary} ${paint('dim', '(signature verified)')}`
}

export function formatOutcome({ title, passed, text }: Outcome, paint: Paint): string {
  const mark = passed ? paint('green', 'ok    ') : paint('red', 'MISSED')
  return `  ${mark}  ${title}: ${text}`
}

const clock = (timeMs: number) => new Date(timeMs).toISOString().slice(11, 16)

/**
 * Commands to try next. They work as printed.
 * @param flood id of the incident that recommends a limit
 */
export function formatNextSteps(
  url: string,
  { flood, endpoint, from }: { flood: string | undefined; endpoint: string; from: Date },
  paint: Paint,
): string {
  const step = (title: string, line: string) => `  ${title}\n    ${paint('cyan', line)}`
  const json = "-H 'content-type: application/json' -d"
  const range = `from=${from.toISOString()}`
  return [
    paint('bold', 'Next steps'),
    step('Try every route in the browser (Swagger UI)', `${url}/docs`),
    step('List the incidents', `curl -s ${url}/incidents`),
    ...(flood === undefined
      ? []
      : [
          step('Show the flood, with its clients and its timeline', `curl -s ${url}/incidents/${flood}`),
          step(
            'Apply the proposed limit for ten minutes',
            `curl -s ${url}/incidents/${flood}/apply ${json} '{"by": "you", "minutes": 10}'`,
          ),
        ]),
    step(
      'Show the slow endpoint over time',
      `curl -s '${url}/timeline?endpoint=${encodeURIComponent(endpoint)}&${range}'`,
    ),
    step('List what is watched', `curl -s ${url}/sources`),
    step('Find incidents in the history', `curl -s ${url}/incidents/scan ${json} '{"days": 1}'`),
    step('List who was notified', `curl -s ${url}/notifications`),
  ].join('\n')
}
