import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { contractService } from './contract-service.js'

interface Parameter {
  in: string
  name: string
  schema: { type: string; maximum?: number; maxLength?: number; enum?: string[]; 'x-clamp'?: boolean }
}

interface Contract {
  paths: Record<string, Record<string, { parameters?: Parameter[] }>>
}

const { paths } = parse(readFileSync('openapi.yaml', 'utf8')) as Contract

const NO_NUMBERS = [
  ...['1e999', '-1e999', 'Infinity', '-Infinity', 'NaN', '1e308', '-1', '0x10', '0b1', '1_000', '1,5', ''],
  ...['%201', '1%20', '+1', '%00', '1%00', 'true', 'null', '[]', '1.7976931348623159e308', '9'.repeat(400)],
]
const NO_WHOLE_NUMBERS = [...NO_NUMBERS, '1.5', '1e-3']
const NO_BOOLEANS = ['1', '0', 'True', 'yes', '', 'null', '%00', 'x'.repeat(5000)]
const NO_TEXTS = ['%00', 'a%00b']
const NO_IDS = ['-1', '9'.repeat(19), '9'.repeat(5000), '1e3', '0x1', '1.0', '%201', '%00', "1'--", '١']
const NO_OTHERS = [
  '%00',
  'now',
  '-1',
  '9'.repeat(400),
  '%F0%9F%A6%94',
  "' or 1=1",
  'x'.repeat(5000),
  '0000-01-01T00:00Z',
]

/** Values that no parameter of this kind allows. */
function refusedBy({ name, schema }: Parameter): string[] {
  const tooLong = schema.maxLength === undefined ? [] : ['x'.repeat(schema.maxLength + 1)]
  switch (schema.type) {
    case 'number':
      return NO_NUMBERS
    case 'integer':
      // Digits above the maximum count as the maximum, where old callers send them.
      return NO_WHOLE_NUMBERS.filter((value) => !(schema['x-clamp'] === true && /^9+$/.test(value)))
    case 'boolean':
      return NO_BOOLEANS
    case 'array':
      return NO_OTHERS
    default:
      if (name === 'version') return tooLong
      if (schema.enum || 'format' in schema === false)
        return schema.enum ? NO_OTHERS : [...NO_TEXTS, ...tooLong]
      return 'pattern' in schema || schema.maxLength === undefined ? NO_OTHERS : [...NO_TEXTS, ...tooLong]
  }
}

t.test('a value that a parameter does not allow answers 400 and names the parameter', async (t) => {
  const service = await contractService(t)
  let count = 0
  const wrong: string[] = []
  const ask = async (method: string, url: string, name: string) => {
    const upper = method.toUpperCase() as 'GET'
    const { statusCode, body } = await service.ask({
      method: upper,
      url,
      ...(method !== 'get' && { payload: {} }),
    })
    const { message } = JSON.parse(body) as { message: string }
    count++
    if (statusCode !== 400 || !(message.startsWith(`${name} `) || message.startsWith(`${name}[`)))
      wrong.push(`${method} ${url.slice(0, 100)}: ${statusCode} ${message}`)
  }
  for (const [path, operations] of Object.entries(paths)) {
    for (const [method, { parameters = [] }] of Object.entries(operations)) {
      for (const parameter of parameters) {
        const { in: place, name, schema } = parameter
        if (place === 'header') continue
        if (place === 'path') {
          const values = /^\^?\[0-9/.test(String((schema as { pattern?: string }).pattern))
            ? NO_IDS
            : refusedBy(parameter)
          for (const value of values) await ask(method, path.replace(`{${name}}`, value), name)
          continue
        }
        const url = path.replace(/\{id\}/, '7')
        for (const value of refusedBy(parameter)) await ask(method, `${url}?${name}=${value}`, name)
        if (schema.type !== 'array') await ask(method, `${url}?${name}=1&${name}=2`, name)
      }
    }
  }
  t.same(wrong.slice(0, 20), [], `${wrong.length} of ${count} answers`)
})
