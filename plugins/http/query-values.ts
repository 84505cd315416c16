import type { Schema } from './validation.js'

/** A decimal number. Not hexadecimal, nor with blanks, as Number() takes it too. */
const DECIMAL = /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i

/**
 * Makes numbers, true and false of the texts of a query where its schema has them. What is none of these stays a text,
 * which the validation refuses.
 */
export function readQueryValues(query: Record<string, unknown>, { properties = {} }: Schema): void {
  for (const [name, { type }] of Object.entries(properties)) {
    const text = query[name]
    if (typeof text !== 'string') continue
    if (type === 'number' || type === 'integer') {
      const value = DECIMAL.test(text) ? Number(text) : NaN
      if (Number.isFinite(value)) query[name] = value
    } else if (type === 'boolean' && (text === 'true' || text === 'false')) {
      query[name] = text === 'true'
    }
  }
}
