import t from 'tap'
import { stringify } from 'yaml'
import { readOpenApi } from '../../../formats/openapi/read-openapi.js'
import { parsePathRules } from '../../../models/traffic/path-rules.js'

const templates = (text: string) => parsePathRules({ openapi: text }, readOpenApi).templates

const DOCUMENT = {
  openapi: '3.0.3',
  info: { title: 'A: b # c', description: 'paths:\n  /not/this:\n' },
  servers: [
    { description: 'first', url: 'https://api.example.com/v1/' },
    { url: 'https://other.example.com/v2' },
  ],
  paths: {
    '/users/{id}': { get: { summary: '/not/{this}:', responses: { 200: { description: 'ok' } } } },
    '/a b: c': { get: {} },
    "/it's": {},
    'x-extension': { a: 1 },
  },
  components: { schemas: { '/nor/this': {} } },
}
const EXPECTED = ['/v1/users/{id}', '/v1/a b: c', "/v1/it's"]

t.test('JSON and YAML documents have the same paths', async (t) => {
  t.same(templates(JSON.stringify(DOCUMENT)), EXPECTED)
  t.same(templates(`\uFEFF${JSON.stringify(DOCUMENT, null, 2)}`), EXPECTED)
  for (const options of [
    {},
    { indent: 4 },
    { lineWidth: 20 },
    { blockQuote: 'folded' },
    { defaultStringType: 'QUOTE_DOUBLE' },
  ] as const) {
    const text = stringify(DOCUMENT, options)
    t.same(templates(text), EXPECTED)
    t.same(templates(`%YAML 1.2\n---\n# a comment\n${text.replaceAll('\n', '\r\n')}...\n`), EXPECTED)
  }
})

t.test('what people write by hand is read too', async (t) => {
  t.same(
    templates(
      [
        'swagger: "2.0"',
        "basePath: '/v3'   # below this",
        'paths: &all # of them',
        '',
        '    # a comment',
        '    "/quoted/{a}" : {get: {}, post: {}}',
        '    /plain: &plain',
        '        get:',
        '  # another comment',
        '            summary: |',
        '              /not/this:',
        '    /alias: *plain',
        'tags:',
        '- name: x',
      ].join('\n'),
    ),
    ['/v3/quoted/{a}', '/v3/plain', '/v3/alias'],
  )
})

t.test('what cannot be read is refused with its line, however hostile it is', async (t) => {
  const bomb = Array.from({ length: 40 }, (_, i) => `a${i}: &a${i} [${`*a${i - 1},`.repeat(9)}]`).join('\n')
  const wrong: [string, RegExp][] = [
    ['', /^openapi must be an OpenAPI document with paths$/],
    ['hello', /^openapi must be JSON or YAML: line 1 is no name with a value$/],
    ['paths: {/a: {}}', /line 1 paths must be in block style/],
    ['paths: *other', /line 1 paths must be in block style/],
    ['paths:\n  /a:\n    get:\n  ? /b\n  : x', /line 4 is no name/],
    ['paths:\n    /a:\n  /b:', /line 3 is indented less/],
    ['paths:\n  <<: *more\n', /openapi must .*|templates must be like/],
    ['openapi: 3\npaths:\n- /a', /line 3 is no name/],
    ['{"paths": ', /^openapi must be JSON or YAML \(/],
    [`{"a":${'['.repeat(1_000_000)}`, /nested at most 200 levels/],
    [`{"a":${'{"a":'.repeat(1_000_000)}`, /nested at most 200 levels/],
    [`${bomb}\npaths: *a39`, /block style/],
    ['&a '.repeat(300_000), /is no name/],
    [`a${' '.repeat(1_000_000)}b`, /is no name/],
    ['"\\'.repeat(500_000), /is no name/],
    ['['.repeat(1_000_000), /nested at most/],
    ['? '.repeat(500_000), /is no name/],
    ['x'.repeat(20_000_001), /at most 20000000 characters/],
  ]
  for (const [text, message] of wrong) t.throws(() => templates(text), message, text.slice(0, 40))
  const many = Array.from({ length: 2_001 }, (_, i) => `  /a${i}:\n    get: {}`).join('\n')
  t.throws(() => templates(`paths:\n${many}`), /2000 or fewer/)
})
