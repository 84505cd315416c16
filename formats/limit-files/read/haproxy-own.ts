import type { Scope } from './haproxy-expression.js'
import type { Rule, RuleLine } from './haproxy-rules.js'
import type { AppliedLimit } from './limits.js'

/** Lines of the buckets of our own files: what they compute from the counters is replayed as a bucket. */
const BUCKET = /aegis_(?:now|\w+_(?:ahead|stale|over|used))\b|aegis_over\b|sc-set-gpt0|sc-inc-gpc/

/** The buckets of our own files: gpt0 of counter 0 for the gateway, of counter 1 for the endpoint. */
export class OwnBuckets {
  count = 0
  #isMilliseconds = false
  #counts = false

  static isPart({ words }: RuleLine): boolean {
    return words.some((word) => word.includes('aegis_'))
  }

  get remarks(): string[] {
    return this.#counts ? ['Long windows and failures of the file are not replayed.'] : []
  }

  /** @returns the rules of a line of a bucket: none; null for any other line */
  read({ words }: RuleLine): Rule[] | null {
    const text = words.join(' ')
    if (!BUCKET.test(text)) return null
    if (/aegis_now\)? date/.test(text)) this.#isMilliseconds = text.includes('0,ms')
    if (words[0]?.startsWith('sc-set-gpt0')) this.count++
    if (words[0]?.startsWith('sc-inc-gpc')) this.#counts = true
    return []
  }

  limitsOf({ variables, tracked }: Scope): AppliedLimit[] {
    if (this.count === 0) return []
    return (['gateway', 'endpoint'] as const).flatMap((part, counter) => {
      const step = Number(variables.get(`txn.aegis_${part}_step`))
      const depth = Number(variables.get(`txn.aegis_${part}_depth`))
      const found = tracked.get(counter)
      if (!found || !(step > 0)) return []
      const burst = Math.round(depth / step)
      const limit = Math.max(1, Math.round((this.#isMilliseconds ? 60_000 : 60_000_000) / step))
      const counting = { kind: 'bucket', limit, burst, windowMs: 60_000 } as const
      return [{ name: `${part} limit`, key: found.key, counting }]
    })
  }
}
