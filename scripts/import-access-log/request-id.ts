import { hash } from 'node:crypto'
import { Occurrences } from '../../formats/access-log/occurrences.js'

/**
 * The namespace of the ids: the UUID 61656769-732d-4cc3-a96f-672d6c696e65. Its bytes are valid UTF-8, so that it can
 * be prepended to a line as text.
 */
const NAMESPACE = 'aegis-L\u00e9og-line'
const NON_ASCII = /[^\x00-\x7f]/
const VARIANTS = '89ab'

/**
 * Ids for the lines of one log: UUIDs of version 5 (RFC 9562) of the bytes of a line. From its second occurrence on, a
 * line feed and the number of the occurrence are appended. The same line of the same log always has the same id.
 */
export function createRequestIds(): (line: string) => string {
  const occurrences = new Occurrences()
  return (line) => {
    const digest = sha1(line)
    const count = occurrences.add(Number.parseInt(digest.slice(0, 13), 16))
    return uuid(count === 1 ? digest : sha1(`${line}\n${count}`))
  }
}

/** @param text one character for each byte */
function sha1(text: string): string {
  if (!NON_ASCII.test(text)) return hash('sha1', NAMESPACE + text)
  return hash('sha1', Buffer.concat([Buffer.from(NAMESPACE), Buffer.from(text, 'latin1')]))
}

function uuid(digest: string): string {
  const variant = VARIANTS[Number.parseInt(digest[16]!, 16) & 3]!
  return (
    `${digest.slice(0, 8)}-${digest.slice(8, 12)}-5${digest.slice(13, 16)}-` +
    `${variant}${digest.slice(17, 20)}-${digest.slice(20, 32)}`
  )
}
