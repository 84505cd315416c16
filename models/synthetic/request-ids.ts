import { createRandom } from '../statistics/random.js'

/** Numbers and names that belong to the n-th request of a seed, whichever of them are asked for. */
interface RequestIds {
  /** 32 random bits. */
  bits(n: number): number
  /** A UUID of version 4; no two of the first 2^32 requests have the same. */
  uuid(n: number): string
}

const TWO_32 = 2 ** 32
/** Four hexadecimal digits of each number of 16 bits. */
const HEX = Array.from({ length: 65_536 }, (_, value) => value.toString(16).padStart(4, '0'))
/** Only the first eight digits are a request's own; the others are one of so many tails. It is quicker. */
const TAILS = 4096

/**
 * A hash of the request's number instead of a generator's next draw: a caller that needs no names pays for none and
 * has the same traffic. Mixed by fmix32 of MurmurHash3 (Appleby 2011), a bijection of 32 bits.
 *
 * @param seed any finite number
 */
export function requestIds(seed: number): RequestIds {
  const random = createRandom(seed)
  const ownKey = random.integer(TWO_32)
  const headKey = random.integer(TWO_32)
  const tailKey = random.integer(TWO_32)
  const digits = (count: number) => Array.from({ length: count }, () => HEX[random.integer(65_536)]!).join('')
  const tails = Array.from({ length: TAILS }, () => {
    const version = HEX[0x4000 | random.integer(0x1000)]!
    const variant = HEX[0x8000 | random.integer(0x4000)]!
    return `-${digits(1)}-${version}-${variant}-${digits(3)}`
  })
  return {
    bits: (n) => mix(n, ownKey),
    uuid(n) {
      const head = mix(n, headKey)
      return HEX[head >>> 16]! + HEX[head & 0xffff]! + tails[mix(n, tailKey) % TAILS]!
    },
  }
}

function mix(n: number, key: number): number {
  let x = n ^ key ^ Math.imul(Math.floor(n / TWO_32), 0x9e3779b1)
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}
