/** A tier of callers: what it gets of an endpoint's base limit, and what where there is no traffic to learn from. */
export interface Tier {
  /** In lower case. */
  readonly name: string
  /** Times the base. */
  readonly multiplier: number
  /** Requests a minute without traffic data. */
  readonly untrainedLimit: number
  /** Burst without traffic data, in multiples of that limit. */
  readonly untrainedBurst: number
}

/** Tiers by name; `default` is among them. */
export interface TierTable {
  readonly default: Tier
  readonly [name: string]: Tier
}

/** The tiers that every gateway has. Gateways rely on these numbers. */
export const TIERS = {
  default: { name: 'default', multiplier: 1, untrainedLimit: 300, untrainedBurst: 1.5 },
  free: { name: 'free', multiplier: 0.5, untrainedLimit: 60, untrainedBurst: 1.2 },
  basic: { name: 'basic', multiplier: 0.75, untrainedLimit: 100, untrainedBurst: 1.5 },
  standard: { name: 'standard', multiplier: 1.5, untrainedLimit: 300, untrainedBurst: 1.5 },
  premium: { name: 'premium', multiplier: 2.5, untrainedLimit: 1000, untrainedBurst: 2 },
  enterprise: { name: 'enterprise', multiplier: 5, untrainedLimit: 5000, untrainedBurst: 2.5 },
} as const satisfies TierTable

/** Tables of rules have room for this. */
const MAX_TIER_LENGTH = 32

/**
 * The tier of a name, in any case. A name that the table does not have gets the numbers of `default` and keeps its
 * name, cut to 32 characters: rules are looked up and kept by it. No name at all is `default`.
 */
export function tierNamed(tiers: TierTable, asked: string): { tier: Tier; isKnown: boolean } {
  const name = normalized(asked)
  if (name === '') return { tier: tiers.default, isKnown: true }
  const known = Object.hasOwn(tiers, name) ? tiers[name] : undefined
  return { tier: known ?? { ...tiers.default, name }, isKnown: known !== undefined }
}

const MAX_TIERS = 100
const MIN_MULTIPLIER = 0.001
const MAX_MULTIPLIER = 1000
const MAX_LIMIT = 1_000_000
const MAX_BURST = 100
const DEFAULT_BURST = 1.5

/**
 * {@link TIERS} with a gateway's own: `{"partner": {"multiplier": 3, "limit": 900, "burst": 2}}`. `limit` is the limit
 * without traffic data and `burst` the burst in multiples of it (1.5 when absent). A built-in name is replaced.
 *
 * @throws Error that names the tier and what is allowed
 */
export function parseTiers(given: unknown): TierTable {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw new Error('it is no object')
  const entries = Object.entries(given)
  if (entries.length > MAX_TIERS) throw new Error(`it has more than ${MAX_TIERS} tiers`)
  const own = entries.map(([key, value]): [string, Tier] => {
    const name = normalized(key)
    if (name === '' || name !== key.trim().toLowerCase()) {
      throw new Error(`the name ${JSON.stringify(key)} is not 1 to ${MAX_TIER_LENGTH} characters long`)
    }
    return [name, parseTier(name, value)]
  })
  return Object.freeze({ ...TIERS, ...Object.fromEntries(own) })
}

function parseTier(name: string, value: unknown): Tier {
  const { multiplier, limit, burst = DEFAULT_BURST } = (value ?? {}) as Record<string, unknown>
  const number = (field: string, found: unknown, min: number, max: number): number => {
    if (typeof found === 'number' && found >= min && found <= max) return found
    throw new Error(
      `${field} of ${name} is ${JSON.stringify(found) ?? 'missing'}; allowed is a number from ${min} to ${max}`,
    )
  }
  return {
    name,
    multiplier: number('multiplier', multiplier, MIN_MULTIPLIER, MAX_MULTIPLIER),
    untrainedLimit: Math.round(number('limit', limit, 1, MAX_LIMIT)),
    untrainedBurst: number('burst', burst, 0.01, MAX_BURST),
  }
}

const normalized = (name: string) => [...name.trim().toLowerCase()].slice(0, MAX_TIER_LENGTH).join('')
