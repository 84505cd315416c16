import type { Registry } from 'prom-client'
import type { Load } from '../http/load.js'
import { register } from './counted.js'

/** How much there is to do, and what is refused because it is too much. */
export function registerLoad(registry: Registry, load: Load): void {
  const one = (value: number) => [{ labels: {}, value }]
  register(registry, {
    name: 'aegis_ml_overload_refused_requests_total',
    help: 'Requests that got 503 in an overload, before their route was looked at. No other metric counts them.',
    type: 'counter',
    samples: () => one(load.refused),
  })
  register(registry, {
    name: 'aegis_ml_overloaded',
    help: '1 while more requests arrive than can be served.',
    type: 'gauge',
    samples: () => one(load.isOverloaded ? 1 : 0),
  })
  register(registry, {
    name: 'aegis_ml_http_requests_in_work',
    help: 'Requests whose work has begun and has no answer yet. Beyond 1000, others get 503.',
    type: 'gauge',
    samples: () => one(load.inWork),
  })
  register(registry, {
    name: 'aegis_ml_connections',
    help: 'Open connections of callers.',
    type: 'gauge',
    samples: () => one(load.connections),
  })
  register(registry, {
    name: 'aegis_ml_connections_closed_total',
    help: 'Connections that were closed because there were too many, or because their readers were too slow.',
    type: 'counter',
    samples: () => one(load.closedConnections),
  })
}
