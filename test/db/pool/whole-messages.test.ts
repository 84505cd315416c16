import t from 'tap'
import { WholeMessages } from '../../../db/pool/whole-messages.js'
import fc from '../../properties.js'

const message = (content: Buffer) => {
  const header = Buffer.from([68, 0, 0, 0, 0])
  header.writeUInt32BE(content.length + 4, 1)
  return Buffer.concat([header, content])
}

t.test('messages pass as wholes, however they were cut', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 10 }),
      fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1 }),
      fc.nat(3),
      (contents, lengths, left) => {
        const messages = contents.map((content) => message(Buffer.from(content)))
        const sent = Buffer.concat([...messages, message(Buffer.alloc(9)).subarray(0, left)])
        const whole = new WholeMessages()
        const ends = new Set([0])
        for (const each of messages) ends.add([...ends].at(-1)! + each.length)
        const got: Buffer[] = []
        for (let at = 0, i = 0; at < sent.length; i++) {
          const length = lengths[i % lengths.length]!
          got.push(whole.pass(sent.subarray(at, at + length)))
          at += length
          if (!ends.has(Buffer.concat(got).length)) return false
        }
        return Buffer.concat(got).equals(Buffer.concat(messages)) && whole.rest().length === left
      },
    ),
  )
})
