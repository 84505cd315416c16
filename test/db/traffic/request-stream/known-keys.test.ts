import t from 'tap'
import { KnownKeys } from '../../../../db/traffic/request-stream/known-keys.js'

const bytesOf = (text: string) => Buffer.from(`<${text}>`)

t.test('a key is found by its bytes, and never taken for another', async (t) => {
  const known = new KnownKeys()
  const names = Array.from({ length: 200_000 }, (_, i) => `user-${i}`)
  for (const [i, name] of names.entries()) {
    const bytes = bytesOf(name)
    if (known.find(bytes, 1, bytes.length - 1) !== -1) t.fail(`${name} is not known before`)
    known.set(bytes, 1, bytes.length - 1, i)
    if (known.find(bytes, 1, bytes.length - 1) !== i) t.fail(`${name} is found at once`)
    bytes.fill(0) // what was remembered does not change with the buffer
  }
  let found = 0
  let wrong = 0
  for (const [i, name] of names.entries()) {
    const bytes = bytesOf(name)
    const value = known.find(bytes, 1, bytes.length - 1)
    if (value === i) found++
    else if (value !== -1) wrong++
  }
  t.equal(wrong, 0)
  t.ok(found > 30_000 && found <= 65_536, `${found} are kept: the memory is bounded`)
})

t.test('an empty key, a number of 32 bits, and a key that is too long', async (t) => {
  const known = new KnownKeys()
  known.set(Buffer.alloc(0), 0, 0, 0xffffffff)
  t.equal(known.find(Buffer.alloc(3), 2, 2), 0xffffffff)
  const long = Buffer.alloc(1000, 'a')
  known.set(long, 0, 1000, 7)
  t.equal(known.find(long, 0, 1000), -1)
})
