import type { LoggerOptions } from 'pino'
import type { Registry } from 'prom-client'
import { register } from './counted.js'

/** Counts what the log says at the levels that somebody should read. */
export class LogCounts {
  readonly #counts = new Map([
    [40, { level: 'warn', value: 0 }],
    [50, { level: 'error', value: 0 }],
    [60, { level: 'fatal', value: 0 }],
  ])

  /** For the options of pino. */
  get hooks(): NonNullable<LoggerOptions['hooks']> {
    const counts = this.#counts
    return {
      logMethod(parameters, method, level) {
        const count = counts.get(level)
        if (count) count.value++
        method.apply(this, parameters)
      },
    }
  }

  *samples() {
    for (const { level, value } of this.#counts.values()) yield { labels: { level }, value }
  }
}

export function registerLog(registry: Registry, counts: LogCounts): void {
  register(registry, {
    name: 'aegis_ml_log_messages_total',
    help: 'Messages of the log, by level. LOG_LEVEL decides which levels are written and counted.',
    type: 'counter',
    samples: () => counts.samples(),
  })
}
