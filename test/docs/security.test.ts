import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'

interface Operation {
  operationId: string
  'x-roles'?: string[]
  security?: object[]
  parameters?: { name: string; schema: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
}

interface Schema {
  $ref?: string
  format?: string
  properties?: Record<string, Schema>
}

const read = (file: string) => readFileSync(file, 'utf8')
const document = read('docs/security.md')
const contract = parse(read('openapi.yaml')) as {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Schema> }
}
const operations = Object.values(contract.paths).flatMap((methods) => Object.values(methods))

t.test('each of the ten points of OWASP, and browsers, have tests that there are', (t) => {
  const sections = document.split(/^##+ /m).slice(1)
  const shown = sections.filter((section) => /^(?:Browsers|API\d+: )/.test(section))
  t.equal(shown.length, 11)
  for (const section of shown) {
    const [title = ''] = section.split('\n')
    const tests = [...section.matchAll(/^- `(test\/\S+)`: (.+)$/gm)]
    t.ok(tests.length >= 2, title)
    for (const [, file, name] of tests) {
      const text = existsSync(file!) ? read(file!) : ''
      t.ok(text.includes(`t.test('${name}'`), `${file}: ${name}`)
    }
  }
  t.end()
})

t.test('every operation of the contract says which roles may call it', (t) => {
  const open = operations.filter(({ security = [] }) => security.length === 0)
  t.same(open.map(({ operationId }) => operationId).sort(), ['getLiveness', 'getReadiness'])
  t.end()
})

t.test('no operation takes an address that the service would call', (t) => {
  for (const { operationId, parameters = [], requestBody } of operations) {
    const bodies = Object.values(requestBody?.content ?? {}).flatMap(({ schema }) => fieldsOf(schema))
    for (const [name, { format = '' }] of [
      ...parameters.map((each) => [each.name, each.schema] as const),
      ...bodies,
    ]) {
      const isAddress =
        /^(?:uri|url|iri|hostname)/.test(format) || /(?:^|_)(?:url|uri|callback|webhook|hostname)$/.test(name)
      t.notOk(isAddress, `${operationId}: ${name}`)
    }
  }
  t.end()
})

t.test('a release checks the signatures of its packages and lists them', (t) => {
  const { jobs } = parse(read('.github/workflows/release.yml')) as {
    jobs: Record<string, { needs?: string[]; steps: { run?: string; with?: { sbom?: boolean } }[] }>
  }
  const commands = jobs['packages']!.steps.map(({ run = '' }) => run).join('\n')
  t.match(commands, 'npm audit signatures')
  t.match(commands, 'npm sbom --omit=dev --sbom-format=cyclonedx')
  t.same(jobs['image']!.needs, ['check', 'packages'])
  t.ok(jobs['image']!.steps.some((step) => step.with?.sbom === true))
  t.end()
})

/** The fields of a schema and of those in it. */
function fieldsOf(schema: Schema, known = new Set<string>()): (readonly [string, Schema])[] {
  const name = schema.$ref?.split('/').at(-1)
  if (name !== undefined) {
    if (known.has(name)) return []
    known.add(name)
    return fieldsOf(contract.components.schemas[name]!, known)
  }
  const own = Object.entries(schema.properties ?? {})
  const below = Object.values(schema).filter(
    (each): each is Schema => typeof each === 'object' && each !== null,
  )
  return [...own, ...below.flatMap((each) => fieldsOf(each, known))]
}
