/** A limit of its own for a legitimate program among the clients. */
export interface RateLimitException {
  readonly client: string
  /** How the gateway knows the client: by user id or by address. */
  readonly kind: 'user' | 'address'
  /** Requests a minute, a whole number from 1. */
  readonly limit: number
  /** Requests at once, a whole number from 1. */
  readonly burst: number
  readonly reason: string
  /** ISO-8601: when a person should look at it again. */
  readonly reviewAt: string
}
