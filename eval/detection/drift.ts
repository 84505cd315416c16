import type { Random } from '../../models/statistics/random.js'
import { between } from './draws.js'

/** Slow drift of the usual values: factors on traffic, latency and error share for each minute. */
export interface Drift {
  readonly traffic: Float64Array
  readonly latency: Float64Array
  readonly errors: Float64Array
}

/** Each an autoregressive process of its own, with 2 to 8 hours of memory and a standard deviation of 3 to 8 %. */
export function drawDrift(random: Random, minutes: number): Drift {
  const draw = () => wander(random, minutes, between(random, 0.03, 0.08), between(random, 2, 8) * 60)
  return { traffic: draw(), latency: draw(), errors: draw() }
}

function wander(random: Random, minutes: number, sd: number, memoryMinutes: number): Float64Array {
  const keep = Math.exp(-1 / memoryMinutes)
  const fresh = sd * Math.sqrt(1 - keep ** 2)
  let level = sd * random.normal()
  return Float64Array.from({ length: minutes }, () => {
    level = keep * level + fresh * random.normal()
    return Math.exp(level)
  })
}
