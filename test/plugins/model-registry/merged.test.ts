import t from 'tap'
import { createMerged } from '../../../plugins/model-registry/merged.js'

/** A change that ends when it is told to. */
function controlled() {
  const ends: (() => void)[] = []
  let begun = 0
  const change = async () => {
    const number = ++begun
    await new Promise<void>((resolve) => ends.push(resolve))
    return number
  }
  return { change, end: () => ends.shift()!(), begun: () => begun }
}

const soon = () => new Promise((resolve) => setImmediate(resolve))

t.test('equal changes that come together are made twice at most', async (t) => {
  const { change, end, begun } = controlled()
  const merged = createMerged(2)
  const results = Promise.all(Array.from({ length: 200 }, () => merged.run('load', change)))
  t.equal(begun(), 1)
  end()
  await soon()
  t.equal(begun(), 2)
  end()
  const numbers = await results
  t.same([numbers[0], ...new Set(numbers.slice(1))], [1, 2])
  const again = merged.run('load', change)
  t.equal(begun(), 3, 'later it is made again')
  end()
  await again
})

t.test('the number of different changes is bounded, and free again when one ends', async (t) => {
  const { change, end } = controlled()
  const merged = createMerged(2)
  const first = merged.run('a', change)
  const second = merged.run('b', change)
  await t.rejects(merged.run('c', change), { code: 'BUSY', message: /^2 changes of the models/ })
  end()
  await first
  const third = merged.run('c', change)
  end()
  end()
  await Promise.all([second, third])
})

t.test('a change that fails does so for those who share it alone', async (t) => {
  const merged = createMerged(2)
  const fail = async () => {
    await soon()
    throw new Error('no')
  }
  const all = await Promise.allSettled(Array.from({ length: 5 }, () => merged.run('a', fail)))
  t.ok(all.every(({ status }) => status === 'rejected'))
  t.equal(await merged.run('a', async () => 1), 1)
})
