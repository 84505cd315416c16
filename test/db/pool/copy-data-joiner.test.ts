import t from 'tap'
import fc from '../../properties.js'
import { CopyDataJoiner } from '../../../db/pool/copy-data-joiner.js'

interface Message {
  readonly type: string
  readonly payload: Buffer
}

function written({ type, payload }: Message): Buffer {
  const header = Buffer.from([type.charCodeAt(0), 0, 0, 0, 0])
  header.writeUInt32BE(payload.length + 4, 1)
  return Buffer.concat([header, payload])
}

function read(bytes: Buffer): Message[] {
  const messages: Message[] = []
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + bytes.readUInt32BE(at + 1)
    messages.push({ type: String.fromCharCode(bytes[at]!), payload: bytes.subarray(at + 5, end) })
    at = end
  }
  return messages
}

/** The messages with neighbours of type d put together, as text. */
function joined(messages: readonly Message[]): string[] {
  const result: string[] = []
  for (const { type, payload } of messages) {
    const text = payload.toString('hex')
    if (type === 'd' && result.at(-1)?.startsWith('d')) result[result.length - 1] += text
    else result.push(`${type}${text}`)
  }
  return result
}

const message = fc.record({
  type: fc.constantFrom('d', 'd', 'd', 'd', 'H', 'C', 'c', 'Z'),
  payload: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
})

t.test('whatever the pieces, the driver reads the same rows and the same other messages', async () => {
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 30 }),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }),
      (messages, lengths) => {
        const bytes = Buffer.concat(messages.map(written))
        const joiner = new CopyDataJoiner()
        const passed: Buffer[] = []
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const end = at + lengths[i % lengths.length]!
          passed.push(joiner.pass(bytes.subarray(at, end)))
          at = end
        }
        const withBytes = messages.filter(({ type, payload }) => type !== 'd' || payload.length > 0)
        const result = read(Buffer.concat(passed)).filter(
          ({ type, payload }) => type !== 'd' || payload.length > 0,
        )
        return JSON.stringify(joined(result)) === JSON.stringify(joined(withBytes))
      },
    ),
    { numRuns: 500 },
  )
})

t.test('the rows of one piece become one message', async (t) => {
  const rows = Array.from({ length: 100 }, (_, i) => ({ type: 'd', payload: Buffer.from(`row ${i}`) }))
  const messages = read(new CopyDataJoiner().pass(Buffer.concat(rows.map(written))))
  t.equal(messages.length, 1)
  t.equal(messages[0]!.payload.toString(), rows.map(({ payload }) => payload.toString()).join(''))
})
