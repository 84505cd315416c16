import type { ServerResponse } from 'node:http'
import { isEnabled, settingsOf, type GatewayRequest, type MLMiddlewareOptions } from './options.js'
import type { Judged } from './reporter.js'
import { TrafficMonitor } from './traffic-monitor.js'

export interface MLMiddlewareStatus {
  readonly enabled: boolean
  /** The source name of this process. */
  readonly source: string
  /** Whether the service answered the last call. Null before the first call. */
  readonly reachable: boolean | null
  /** The newest judged interval and its verdict. */
  readonly judged: Judged | null
}

/** The common interface of the adapters. */
export interface Watch {
  observe(request: GatewayRequest, response: ServerResponse): void
  close(): Promise<void>
  status(): MLMiddlewareStatus
}

/** @throws RangeError naming the invalid option */
export function createWatch(options: MLMiddlewareOptions): Watch {
  const settings = settingsOf(options)
  const { source } = settings
  if (!isEnabled(options)) {
    return {
      observe: () => undefined,
      close: async () => undefined,
      status: () => ({ enabled: false, source, reachable: null, judged: null }),
    }
  }
  const monitor = new TrafficMonitor(settings)
  return {
    observe: (request, response) => monitor.observe(request, response),
    close: () => monitor.close(),
    status: () => ({ enabled: true, source, reachable: monitor.isReachable, judged: monitor.judged }),
  }
}
