import t from 'tap'
import fc from '../../properties.js'
import { hasInOrder, Wildcards } from '../../../models/traffic/wildcards.js'

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')

/** The same by a regular expression, which is slow for hostile texts. */
function globPattern(glob: string): RegExp {
  const parts = glob.split(/(\*+)/)
  const sources = parts.map((part) =>
    part === '*' ? '[^/]*' : part.startsWith('*') ? '[^]*' : escaped(part),
  )
  return new RegExp(`^${sources.join('')}$`)
}

const text = (characters: string) => fc.string({ unit: fc.constantFrom(...characters), maxLength: 12 })

t.test('wildcards match what their regular expression matches', async (t) => {
  fc.assert(
    fc.property(text('ab/*'), text('ab/'), (glob, path) => {
      return new Wildcards(glob).matches(path) === globPattern(glob).test(path)
    }),
    { seed: 7, numRuns: 20_000 },
  )
  t.pass()
})

t.test('parts in order are found as by their regular expression', async (t) => {
  fc.assert(
    fc.property(fc.array(text('ab'), { minLength: 1, maxLength: 4 }), text('ab'), (parts, path) => {
      return hasInOrder(path, parts) === new RegExp(`^${parts.join('.+')}$`).test(path)
    }),
    { seed: 7, numRuns: 20_000 },
  )
  t.pass()
})

t.test('a hostile path is matched like any other', async (t) => {
  const path = 'a'.repeat(2_000)
  t.notOk(new Wildcards('*a*a*a*b').matches(path))
  t.notOk(new Wildcards('**a**a**a**b').matches(path))
  t.notOk(hasInOrder(path, [...'aaaaaaaaa', 'b']))
})
