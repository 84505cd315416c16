import type { RateLimitException } from '../../../models/rate-limit/exception.js'
import { ipNetwork } from '../ip-network.js'
import type { RateLimitEntry } from '../limit-entry.js'
import { literalPattern } from '../path-pattern.js'
import { rule } from './bucket.js'

/** Clients with limits of their own, each once, in the order of their numbers; addresses that are none are left out. */
export class Programs {
  readonly #numbers = new Map<string, number>()
  readonly #all: RateLimitException[] = []

  constructor(entries: readonly RateLimitEntry[]) {
    for (const each of entries.flatMap(({ exceptions }) => exceptions)) {
      if (each.kind === 'address' && ipNetwork(each.client) === null) continue
      if (this.numberOf(each) !== undefined) continue
      this.#all.push(each)
      this.#numbers.set(key(each), this.#all.length)
    }
  }

  numberOf(exception: RateLimitException): number | undefined {
    return this.#numbers.get(key(exception))
  }

  /** Sets the number of the program that sends a request: a user goes before an address. */
  lines(): string[] {
    if (this.#all.length === 0) return []
    const users = this.#all.some(({ kind }) => kind === 'user')
    return [
      '    # Programs with limits of their own. The user is what the client claims: put in a verified one.',
      ...(users ? [rule('set-var(txn.aegis_user) http_auth_user')] : []),
      ...this.#all.flatMap((each, i) =>
        each.kind === 'address'
          ? [rule(`set-var(txn.aegis_program) str(${i + 1}) if { src ${ipNetwork(each.client)} }`)]
          : [],
      ),
      ...this.#all.flatMap((each, i) => {
        const pattern = `'^${literalPattern(each.client, 'bytes')}\\z'`
        const isUser = `{ var(txn.aegis_user) -m reg ${pattern} }`
        return each.kind === 'user' ? [rule(`set-var(txn.aegis_program) str(${i + 1}) if ${isUser}`)] : []
      }),
    ]
  }
}

const key = ({ kind, client }: RateLimitException) => `${kind} ${client}`
