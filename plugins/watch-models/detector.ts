import type { CalendarEntry } from '../../models/anomaly/calendar.js'
import type { LeastEffects } from '../../models/anomaly/effects.js'
import { createKernelEngine } from '../../models/scoring/kernel-engine.js'
import type { WatchDetector } from '../../models/watch/judge-round.js'
import type { WatchModel } from '../../models/watch/watch-model.js'

/** A watch model with its engines. They are the same on every replica, so that verdicts are. */
export function detectorOf(
  watch: WatchModel,
  version: string,
  effects: LeastEffects,
  calendar: readonly CalendarEntry[],
): WatchDetector {
  const gateway = createKernelEngine(watch.gateway.forest)
  const endpoints = createKernelEngine(watch.forest)
  const scores = {
    gateway: (matrix: Float64Array) => gateway.score(matrix),
    endpoints: (matrix: Float64Array) => endpoints.score(matrix),
  }
  return { version, watch, scores, effects, calendar }
}
