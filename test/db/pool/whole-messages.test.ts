import t from 'tap'
import { END_OF_ROWS, WholeMessages } from '../../../db/pool/whole-messages.js'
import fc from '../../properties.js'

const message = (content: Buffer, type = 'S') => {
  const header = Buffer.from([type.charCodeAt(0), 0, 0, 0, 0])
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
        return Buffer.concat(got).equals(Buffer.concat(messages))
      },
    ),
  )
})

t.test('the rows of a statement end before its error, and nothing else is put in', async (t) => {
  const answer = (types: string) => [...types].map((type) => message(Buffer.from('some'), type))
  const passed = (types: string, cut: number) => {
    const whole = new WholeMessages()
    const sent = Buffer.concat(answer(types))
    return Buffer.concat([whole.pass(sent.subarray(0, cut)), whole.pass(sent.subarray(cut))])
  }
  for (let cut = 0; cut < 40; cut++) {
    const [head, tail] = [Buffer.concat(answer('TDD')), Buffer.concat(answer('EZTDCZEZ'))]
    t.same(passed('TDDEZTDCZEZ', cut), Buffer.concat([head, END_OF_ROWS, tail]))
    for (const types of ['TDDCZ', 'EZ', 'TEZ', 'DsDsCZ', 'DCEZ', 'DCDCZ'])
      t.same(passed(types, cut), Buffer.concat(answer(types)), types)
  }
  const whole = new WholeMessages()
  whole.pass(Buffer.concat(answer('TD')))
  t.same([whole.end(), whole.end()], [true, false])
})
