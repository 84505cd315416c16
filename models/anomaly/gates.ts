/** How far an interval deviates in one direction. */
export interface Strength {
  /** Standard deviations; negative in the harmless direction. */
  readonly z: number
  /** Multiples of the smallest deviation that matters; negative in the harmless direction. */
  readonly effect: number
}

/** A deviation in one kind that is at least this certain and this large is an anomaly. */
export const GATE = { z: 4.5, effect: 2 }

/** Two kinds that are both at this gate are an anomaly together. */
export const JOINT_GATE = { z: 3.3, effect: 1.4 }

/** A single interval at this gate confirms an alarm. */
export const CERTAIN_GATE = { z: 8, effect: 3 }

/**
 * How far a strength reaches a gate. 1 is at the gate. The weaker of z and effect decides. NaN in either gives NaN.
 * @param factor on the effect that the gate needs
 */
export function reachOf({ z, effect }: Strength, gate = GATE, factor = 1): number {
  return Math.min(z / gate.z, effect / gate.effect / factor)
}
