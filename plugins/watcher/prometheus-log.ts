import type { Sql } from 'postgres'
import { lookAtPrometheus, prometheusTraffic } from '../../db/traffic/prometheus-minutes.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'
import { NO_REQUESTS } from '../../models/watch/endpoint-minute.js'
import type { WatchedLog } from './log.js'

/** The minutes that are fetched from Prometheus, as the watcher reads them: those of the gateway as a whole. */
export function createWatchedPrometheus(sql: Sql, source: string): WatchedLog {
  const read = (fromMs: number, toMs: number) =>
    prometheusTraffic(sql, source, { from: new Date(fromMs), to: new Date(toMs) })
  return {
    async look(nowMs, afterMs) {
      return { nowMs, ...(await lookAtPrometheus(sql, source, { nowMs, afterMs })) }
    },
    async refresh(nowMs) {
      return (await lookAtPrometheus(sql, source, { nowMs, afterMs: null })).newestMs
    },
    async *rounds(fromMs, toMs) {
      const known = new Map((await read(fromMs, toMs)).map((minute) => [minute.timeMs, minute]))
      for (let timeMs = fromMs; timeMs < toMs; timeMs += MINUTE_MS) {
        yield { timeMs, gateway: known.get(timeMs) ?? NO_REQUESTS, endpoints: [] }
      }
    },
    async requests(fromMs, toMs) {
      return new Map((await read(fromMs, toMs)).map(({ timeMs, requests }) => [timeMs, requests]))
    },
  }
}
