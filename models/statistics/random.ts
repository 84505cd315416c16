/**
 * A seeded source of random numbers. The same seed gives the same sequence on every machine.
 */
export interface Random {
  /** Uniform in [0, 1), 53 bits. */
  uniform(): number
  /** Uniform integer in [0, n), for an integer 1 <= n <= 2^32. */
  integer(n: number): number
  /** Standard normal: mean 0, standard deviation 1. */
  normal(): number
}

/**
 * xoshiro128** (Blackman and Vigna 2021, "Scrambled linear pseudorandom number generators", section 5.1),
 * its state filled by SplitMix32-style mixing of the seed.
 *
 * @param seed any finite number; its 64-bit pattern counts, so 0.1 and 0.2 differ
 * @returns a generator with a state of its own
 */
export function createRandom(seed: number): Random {
  const [low, high] = new Uint32Array(new Float64Array([seed]).buffer) as unknown as [number, number]
  let mixed = low ^ Math.imul(high, 0x9e3779b1)
  const mix = (): number => {
    mixed = (mixed + 0x9e3779b9) | 0
    let z = mixed
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
    return (z ^ (z >>> 16)) | 0
  }
  let a = mix()
  let b = mix()
  let c = mix()
  let d = mix() | 1 // the state must not be all zero

  const next = (): number => {
    const scrambled = Math.imul(b, 5)
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9)
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = (d << 11) | (d >>> 21)
    return result >>> 0
  }
  const uniform = (): number => {
    const upper = next() >>> 5
    return (upper * 67108864 + (next() >>> 6)) / 9007199254740992
  }

  let spare: number | undefined
  /** Polar method (Marsaglia and Bray 1964): two deviates a round, the second kept for the next call. */
  const normal = (): number => {
    if (spare !== undefined) {
      const value = spare
      spare = undefined
      return value
    }
    for (;;) {
      const u = 2 * uniform() - 1
      const v = 2 * uniform() - 1
      const square = u * u + v * v
      if (square > 0 && square < 1) {
        const factor = Math.sqrt((-2 * Math.log(square)) / square)
        spare = v * factor
        return u * factor
      }
    }
  }

  return { uniform, normal, integer: (n) => Math.floor(uniform() * n) }
}
