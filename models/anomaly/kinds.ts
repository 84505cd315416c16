/** The ways in which traffic can be abnormal. Fewer errors and faster answers are not among them. */
export const KINDS = ['traffic_spike', 'traffic_drop', 'latency_spike', 'error_rate_spike'] as const
export type Kind = (typeof KINDS)[number]

/** A value for each kind. */
export type PerKind<T> = Readonly<Record<Kind, T>>

/**
 * Evidence is kept for each channel. Each latency is a channel of its own: the strongest of three latencies would seem
 * to deviate a little in every minute.
 */
export type Channel = Exclude<Kind, 'latency_spike'> | 'avg_latency_ms' | 'p95_latency_ms' | 'p99_latency_ms'

/** The kind that each channel belongs to. */
export const KIND_OF: Readonly<Record<Channel, Kind>> = {
  traffic_spike: 'traffic_spike',
  traffic_drop: 'traffic_drop',
  avg_latency_ms: 'latency_spike',
  p95_latency_ms: 'latency_spike',
  p99_latency_ms: 'latency_spike',
  error_rate_spike: 'error_rate_spike',
}

export const CHANNELS = Object.keys(KIND_OF) as readonly Channel[]

/** Applies a function to each kind. Spelled out because every verdict calls it. */
export function mapKinds<T>(value: (kind: Kind) => T): PerKind<T> {
  return {
    traffic_spike: value('traffic_spike'),
    traffic_drop: value('traffic_drop'),
    latency_spike: value('latency_spike'),
    error_rate_spike: value('error_rate_spike'),
  }
}

/** Applies a function to each channel. Spelled out because every verdict calls it. */
export function mapChannels<T>(value: (channel: Channel) => T): Readonly<Record<Channel, T>> {
  return {
    traffic_spike: value('traffic_spike'),
    traffic_drop: value('traffic_drop'),
    avg_latency_ms: value('avg_latency_ms'),
    p95_latency_ms: value('p95_latency_ms'),
    p99_latency_ms: value('p99_latency_ms'),
    error_rate_spike: value('error_rate_spike'),
  }
}

/** The largest value of each kind's channels. NaN in a channel gives NaN. */
export function byKind(values: Readonly<Record<Channel, number>>): PerKind<number> {
  const { traffic_spike, traffic_drop, error_rate_spike } = values
  const latency_spike = Math.max(values.avg_latency_ms, values.p95_latency_ms, values.p99_latency_ms)
  return { traffic_spike, traffic_drop, latency_spike, error_rate_spike }
}

/** The largest of the kinds' values. NaN in a kind gives NaN. */
export function strongest(values: PerKind<number>): number {
  const { traffic_spike, traffic_drop, latency_spike, error_rate_spike } = values
  return Math.max(traffic_spike, traffic_drop, latency_spike, error_rate_spike)
}
