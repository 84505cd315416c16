import t from 'tap'
import fc from '../../properties.js'
import { pathTemplate } from '../../../models/traffic/path-template.js'
import { placeholderPattern } from '../../../models/traffic/placeholders.js'

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')

const segment = fc.oneof(
  fc.uuid(),
  fc.integer().map(String),
  fc.emailAddress().map((text) => text.replace(/[?#/]/g, '_')),
  fc.stringMatching(/^[A-Z]{2,5}-\d{1,7}$/),
  fc.stringMatching(/^[0-9a-f]{5,42}$/),
  fc.stringMatching(/^[0-9A-Za-z_-]{15,30}$/),
  fc.stringMatching(/^[a-z]{1,12}[.-]?[0-9a-f.]{1,10}[.](js|css|json)$/),
  fc.stringMatching(/^[a-z0-9@.{}%_-]{1,20}$/),
  fc.stringMatching(/^[a-z]{1,5}[.-][0-9A-Za-z_-]{8}[.]js$/),
  fc.stringMatching(/^[*]{1,3}(|[.]js|a)$/),
  fc.stringMatching(/^[0-9a-fA-FQWx:;=|(),_T-]{1,20}$/),
)

for (const canLookAhead of [false, true]) {
  const kind = canLookAhead ? 'the shorter pattern' : 'the pattern'
  t.test(`${kind} of {id} matches exactly the segments that become {id}`, async (t) => {
    const pattern = new RegExp(`^${placeholderPattern('{id}', canLookAhead)}$`)
    fc.assert(
      fc.property(
        segment,
        (value) => value === '{id}' || (pathTemplate(`/${value}`) === '/{id}') === pattern.test(value),
      ),
      { numRuns: 5000, seed: 7 },
    )
    t.pass()
  })
}

t.test('a path matches the patterns of its template', async (t) => {
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), (segments) => {
      const path = `/${segments.join('/')}`
      const pattern = pathTemplate(path)
        .split(/(\{id\}|\{hash\})/)
        .map((text, i) => (i % 2 === 1 ? placeholderPattern(text) : escaped(text)))
        .join('')
      return new RegExp(`^${pattern}$`).test(path)
    }),
    { numRuns: 600, seed: 7 },
  )
  t.pass()
})

t.test(
  'patterns need neither lookaround nor capturing groups, and any other placeholder is any segment',
  async (t) => {
    t.notMatch(placeholderPattern('{id}'), /\(\?[=!<]|\((?!\?:)/)
    t.equal(placeholderPattern('{value}'), '[^/]+')
    t.equal(placeholderPattern('{category}'), '[^/]+')
  },
)
