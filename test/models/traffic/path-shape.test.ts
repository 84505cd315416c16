import t from 'tap'
import fc from '../../properties.js'
import { writePathShape } from '../../../models/traffic/path-shape.js'
import { pathTemplate } from '../../../models/traffic/path-template.js'

function shape(path: string): string {
  const source = Buffer.from(path)
  const target = Buffer.alloc(source.length + 7)
  return target.toString('utf8', 7, writePathShape(source, 0, source.length, target, 7))
}

const UUID = '0191f3a2-7c1e-7d4b-9a3e-2b1c4d5e6f70'

t.test('numbers and UUIDs become 0, and the query goes', async (t) => {
  t.equal(shape('/users/42/orders/7?page=2'), '/users/0/orders/0')
  t.equal(shape(`/carts/${UUID}#top`), '/carts/0')
  t.equal(shape('/v2/42.json'), '/v2/42.json')
  t.equal(shape(`/x${UUID.slice(1)}`), `/x${UUID.slice(1)}`)
  t.equal(shape(''), '')
})

t.test('the template of the shape is the template of the path', async () => {
  const segment = fc.oneof(
    fc.stringMatching(/^\d{1,50}$/),
    fc.uuid(),
    fc.stringMatching(/^[\da-f-]{30,40}$/),
    fc.stringMatching(/^[a-z\d.é?#-]{0,50}$/),
    fc.string({ unit: 'grapheme' }),
  )
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 12 }), (segments) => {
      const path = segments.join('/')
      return pathTemplate(shape(path)) === pathTemplate(path)
    }),
    { numRuns: 3000 },
  )
})
