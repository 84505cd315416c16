import type { Feature } from '../../models/anomaly/features.js'
import { alarmsOf } from './alarms.js'
import { describe, type Change } from './change.js'
import { fitOurs, judgeStream, type Judged } from './contenders.js'
import type { Size } from './incidents.js'
import { drawWorld } from './world.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'

const WIDTH = 1600
const LEFT = 90
const PANEL = { height: 170, gap: 34, top: 46 }
/** Minutes that share a column of the picture. */
const COLUMN = 6

const SHOWN: readonly (readonly [Feature, string, boolean])[] = [
  ['requests_per_second', 'requests/s', true],
  ['p95_latency_ms', 'p95 ms', true],
  ['p99_latency_ms', 'p99 ms', true],
  ['error_rate', 'error rate', false],
]

/** A judged week as SVG: what was reported over the expected band, incidents shaded, alarms as bars below. */
export function drawWeek(gateway: string, seed: number, size: Size = 'small'): string {
  const world = drawWorld(gateway, seed)
  const { incidents, nuisances, rows } = world[size]
  const judged = judgeStream(fitOurs(world.history), rows)
  const from = rows[0]!.timestampMs
  const span = rows.at(-1)!.timestampMs + MINUTE_MS - from
  const x = (timeMs: number) =>
    LEFT + ((WIDTH - LEFT - 10) * Math.min(span, Math.max(0, timeMs - from))) / span
  const atMs = (minute: number) => world.startMs + minute * MINUTE_MS
  const height = PANEL.top + SHOWN.length * (PANEL.height + PANEL.gap) + 20
  const shade = (change: Change, colour: string) => {
    const [left, right] = [x(atMs(change.start)), x(atMs(Math.min(change.end, 1e6)))]
    return `<rect x="${left.toFixed(1)}" y="${PANEL.top}" width="${Math.max(1.5, right - left).toFixed(1)}" height="${height - PANEL.top - 20}" fill="${colour}"><title>${describe(change)}</title></rect>`
  }
  const alarms = alarmsOf(judged).map(
    ({ startMs, endMs }) =>
      `<rect x="${x(startMs).toFixed(1)}" y="${PANEL.top - 12}" width="${Math.max(2, x(endMs) - x(startMs)).toFixed(1)}" height="9" fill="#c00"/>`,
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="${LEFT}" y="20">${gateway}, seed ${seed}: reported (line), expected (band), incidents (orange), nuisances (grey), alarms (red)</text>`,
    ...nuisances.map((change) => shade(change, '#ececec')),
    ...incidents.map((change) => shade(change, '#ffd9a0')),
    ...alarms,
    ...SHOWN.flatMap(([feature, title, isLog], i) =>
      panel(judged, feature, title, isLog, PANEL.top + i * (PANEL.height + PANEL.gap), x),
    ),
    '</svg>\n',
  ].join('\n')
}

function panel(
  judged: readonly Judged[],
  feature: Feature,
  title: string,
  isLog: boolean,
  top: number,
  x: (timeMs: number) => number,
): string[] {
  const scale = (value: number) => (isLog ? Math.log(Math.max(value, 1e-3)) : value)
  const values = judged.map(({ row }) => row[feature]).filter((value) => !isLog || value > 0)
  const [low, high] = values.reduce(
    ([a, b], v) => [Math.min(a, scale(v)), Math.max(b, scale(v))],
    [Infinity, -Infinity],
  )
  const y = (value: number) => {
    const place = (scale(value) - low!) / Math.max(high! - low!, 1e-9)
    return top + PANEL.height * (1 - Math.min(1, Math.max(0, place)))
  }
  const columns = Array.from({ length: Math.ceil(judged.length / COLUMN) }, (_, i) =>
    judged.slice(i * COLUMN, (i + 1) * COLUMN),
  )
  const point = (timeMs: number, value: number) => `${x(timeMs).toFixed(1)},${y(value).toFixed(1)}`
  const band = (edge: 'lower' | 'upper') =>
    columns.map((column) => point(column[0]!.timeMs, column[0]!.verdict!.expected[feature][edge]))
  const line = columns.map((column, i) => {
    const of = column.map(({ row }) => row[feature])
    const [bottom, top] = [Math.min(...of), Math.max(...of)].map((value) => point(column[0]!.timeMs, value))
    const isAfterGap = i > 0 && column.at(-1)!.timeMs - columns[i - 1]!.at(-1)!.timeMs > COLUMN * MINUTE_MS
    return `${i === 0 || isAfterGap ? 'M' : 'L'}${bottom} L${top}`
  })
  const label = (value: number) => Number((isLog ? Math.exp(value) : value).toPrecision(2))
  return [
    `<polygon points="${[...band('lower'), ...band('upper').reverse()].join(' ')}" fill="#8ab8e6" fill-opacity="0.45"/>`,
    `<path d="${line.join('')}" fill="none" stroke="#124" stroke-width="0.8"/>`,
    `<text x="8" y="${top + PANEL.height / 2}">${title}</text>`,
    `<text x="8" y="${top + 10}">${label(high!)}</text><text x="8" y="${top + PANEL.height}">${label(low!)}</text>`,
  ]
}
