import t from 'tap'
import fc from '../../properties.js'
import { pathPattern } from '../../../formats/limit-files/path-pattern.js'
import { TemplateTree } from '../../../formats/limit-files/read/template-tree.js'

const TEMPLATE_SEGMENTS = [
  '',
  'api',
  'users',
  '{id}',
  '{value}',
  'v{id}',
  'app-{hash}.js',
  'a.b',
  '{odd name}',
]
const PATH_SEGMENTS = [
  '',
  'api',
  'users',
  '42',
  'v42',
  'alice',
  'app-BX2k9aQz.js',
  'a.b',
  'axb',
  '{odd name}',
  '{id}',
]

const pathOf = (segments: string[]) =>
  fc.array(fc.constantFrom(...segments), { maxLength: 4 }).map((all) => `/${all.join('/')}`)

t.test('finds exactly the templates whose patterns match a path, in their order', async () => {
  fc.assert(
    fc.property(
      fc.array(pathOf(TEMPLATE_SEGMENTS), { maxLength: 12 }),
      pathOf(PATH_SEGMENTS),
      (templates, path) => {
        const matching = templates.flatMap((template, place) =>
          new RegExp(`^(?:${pathPattern(template, 'units', 'raw')})$`).test(path) ? [place] : [],
        )
        return JSON.stringify(new TemplateTree(templates).matching(path)) === JSON.stringify(matching)
      },
    ),
  )
})
