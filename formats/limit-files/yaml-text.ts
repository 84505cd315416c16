import { escapedUnit } from './escaped-unit.js'

/** What JSON leaves as it is, and YAML forbids or takes for the end of a line. */
const SPECIAL = /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g
const LONE_SURROGATE = /\p{Surrogate}/gu

/**
 * A text in double quotes, for YAML 1.1 and 1.2: JSON but for some characters. Half of a surrogate pair, for which YAML
 * has no escape, becomes U+FFFD.
 *
 * @example yamlText('/x\u0080y') // '"/x\\u0080y"'
 */
export function yamlText(text: string): string {
  return JSON.stringify(text.replace(LONE_SURROGATE, '\ufffd')).replace(SPECIAL, escapedUnit)
}
