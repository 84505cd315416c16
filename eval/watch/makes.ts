/** A range that a trait is drawn from. */
type Range = readonly [low: number, high: number]

/** The traits in which simulated gateways differ. Each is one of the endpoints of a gateway, drawn for each alone. */
export interface Make {
  /** Standard deviation of the logarithm of a latency, and the tail index beyond the 95th percentile, if it is a power. */
  readonly sigma: Range
  readonly tailIndex: Range | null
  /** Coefficient of variation of a minute's traffic beyond Poisson's. */
  readonly dispersion: Range
  /** Bursts of two to five times the traffic for some minutes, a day. */
  readonly bursts: Range
  readonly errors: Range
  /** The share of endpoints that are called in certain hours alone. */
  readonly inHours: number
  /** Standard deviation of the logarithm of the level that all endpoints share. */
  readonly together: number
  /** Growth of the whole traffic in a week, and the traffic of holidays, one in the history and one after it. */
  readonly growth: Range
  readonly holiday: number
  /** Endpoints that slow down with the one that they depend on, and repeated requests after a failure. */
  readonly dependents: number
  readonly retries: number
  /** Sizes of incidents: factors, and for failures a share. */
  readonly slow: Range
  readonly failing: Range
  readonly flooded: Range
}

const USUAL: Make = {
  sigma: [0.35, 0.8],
  tailIndex: null,
  dispersion: [0, 0.12],
  bursts: [0, 0],
  errors: [0.0005, 0.04],
  inHours: 0,
  together: 0.02,
  growth: [0, 0],
  holiday: 1,
  dependents: 0,
  retries: 0,
  slow: [2, 8],
  failing: [0.1, 0.8],
  flooded: [3, 15],
}

const OTHER: Make = { ...USUAL, slow: [2, 6], failing: [0.2, 1], flooded: [5, 30] }

/** Gateways of several makes. All but the first are there to see how well detection carries over. */
export const MAKES = {
  usual: USUAL,
  /** Latencies with long tails, log-normal or Pareto. */
  heavy: { ...OTHER, sigma: [0.8, 1.4], tailIndex: [0.3, 0.8], errors: [0.0001, 0.05] },
  /** Counts that scatter far more than Poisson ones, and bursts at any time. */
  bursty: { ...OTHER, dispersion: [0.1, 0.5], bursts: [0, 6], errors: [0.0001, 0.05] },
  /** Endpoints that are called in certain hours, growth, and holidays. */
  hours: { ...OTHER, inHours: 0.6, growth: [0, 0.15], holiday: 0.4 },
  /** Endpoints whose traffic moves together, that depend on each other, and clients that try again. */
  coupled: { ...OTHER, together: 0.12, dependents: 3, retries: 0.7, dispersion: [0, 0.2] },
} as const satisfies Record<string, Make>

export type MakeName = keyof typeof MAKES
