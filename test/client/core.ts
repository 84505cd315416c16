/** Parts of the client that it does not export, for tests that need their seams. */
const part = (name: string): Promise<unknown> =>
  import(new URL(`../../../client/dist/middleware/${name}.js`, import.meta.url).href)

export type { Clock } from '../../client/dist/middleware/aligned-intervals.js'
export type { Interval } from '../../client/dist/middleware/interval-counter.js'

export const { AlignedIntervals } = (await part(
  'aligned-intervals',
)) as typeof import('../../client/dist/middleware/aligned-intervals.js')

export const { MAX_MS, LatencyHistogram } = (await part(
  'latency-histogram',
)) as typeof import('../../client/dist/middleware/latency-histogram.js')

export const { settingsOf } = (await part(
  'options',
)) as typeof import('../../client/dist/middleware/options.js')

export const { TrafficMonitor } = (await part(
  'traffic-monitor',
)) as typeof import('../../client/dist/middleware/traffic-monitor.js')
