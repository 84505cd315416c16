import { setImmediate as breath } from 'node:timers/promises'
import type { Population } from '../../models/synthetic/population.js'
import { generateRequests, type RequestBatch } from '../../models/synthetic/requests.js'
import type { SyntheticOptions } from '../../models/synthetic/traffic.js'
import { NoDataError } from '../cli/errors.js'
import { startProgress } from '../cli/progress.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'

/** The generated requests, counted as they pass. */
export interface RequestStream {
  readonly range: { readonly from: Date; readonly to: Date }
  /** @throws NoDataError at the end if there was no request */
  batches(): AsyncGenerator<Readonly<RequestBatch>, void>
  /** The requests so far, in one sentence. */
  summary(): string
}

/** How often the generator checks whether the command was stopped. */
const BREATH_EVERY_MS = 50

export function requestStream(
  options: SyntheticOptions,
  population: Population,
  stop: AbortSignal,
): RequestStream {
  const { startMs, minutes } = options
  const range = { from: new Date(startMs), to: new Date(startMs + minutes * MINUTE_MS) }
  const inWords = `from ${range.from.toISOString()} to ${range.to.toISOString()}`
  const incidents = new Set<number>()
  let count = 0
  return {
    range,
    async *batches() {
      const progress = startProgress('requests')
      try {
        let breathedMs = performance.now()
        for (const batch of generateRequests(options, population)) {
          count += batch.length
          if (batch.label !== null) incidents.add(batch.minuteMs)
          yield batch
          if (performance.now() - breathedMs < BREATH_EVERY_MS) continue
          progress.update((batch.minuteMs - startMs) / (minutes * MINUTE_MS), count)
          await breath()
          stop.throwIfAborted()
          breathedMs = performance.now()
        }
      } finally {
        progress.stop()
      }
      if (count === 0)
        throw new NoDataError(
          `no data: not one request was generated ${inWords}. Raise --base-rps or --days.`,
        )
    },
    summary: () => {
      const labelled = incidents.size.toLocaleString('en')
      return `${count.toLocaleString('en')} requests ${inWords}; ${labelled} minutes are inside incidents.`
    },
  }
}
