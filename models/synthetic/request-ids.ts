import { createRandom } from '../statistics/random.js'

/** Numbers and names that belong to the n-th request of a seed, whichever of them are asked for. */
export interface RequestIds {
  /** 32 random bits. */
  bits(n: number): number
  /** A UUID of version 4; no two of the first 2^32 requests have the same. */
  uuid(n: number): string
}

const TWO_32 = 2 ** 32
/** Four hexadecimal digits of each number of 16 bits. */
const HEX = Array.from({ length: 65_536 }, (_, value) => value.toString(16).padStart(4, '0'))

/**
 * A hash of the request's number instead of a generator's next draw: a caller that needs no names pays for none and
 * has the same traffic. Mixed by fmix32 of MurmurHash3 (Appleby 2011), a bijection of 32 bits.
 *
 * @param seed any finite number
 */
export function requestIds(seed: number): RequestIds {
  const random = createRandom(seed)
  const [own, first, second, third, fourth] = Array.from({ length: 5 }, () => random.integer(TWO_32)) as [
    number,
    number,
    number,
    number,
    number,
  ]
  return {
    bits: (n) => mix(n, own),
    uuid(n) {
      const a = mix(n, first)
      const b = mix(n, second)
      const c = mix(n, third)
      const d = mix(n, fourth)
      const version = HEX[0x4000 | (b & 0x0fff)]!
      const variant = HEX[0x8000 | ((c >>> 16) & 0x3fff)]!
      const node = HEX[c & 0xffff]! + HEX[d >>> 16]! + HEX[d & 0xffff]!
      return `${HEX[a >>> 16]!}${HEX[a & 0xffff]!}-${HEX[b >>> 16]!}-${version}-${variant}-${node}`
    },
  }
}

function mix(n: number, key: number): number {
  let x = n ^ key ^ Math.imul(Math.floor(n / TWO_32), 0x9e3779b1)
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}
