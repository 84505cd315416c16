import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Ajv, type AnySchemaObject } from 'ajv'
import ajvFormats from 'ajv-formats'
import t from 'tap'
import { describeApp } from '../../app.js'
import { FAILURES } from '../../plugins/http/errors.js'
import { trainOnSynthetic, USUAL } from '../service.js'
import { closed } from './closed.js'
import { contractService } from './contract-service.js'

interface Operation {
  operationId?: string
  tags?: string[]
  summary?: string
  responses: Record<string, { description?: string; content?: Record<string, { schema: AnySchemaObject }> }>
}
interface Document {
  openapi: string
  tags: { name: string; description?: string }[]
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, AnySchemaObject> }
}

t.test('openapi.yaml is what the routes say (npm run openapi writes it anew)', async (t) => {
  const app = await describeApp()
  t.teardown(() => app.close())
  t.equal(await readFile('openapi.yaml', 'utf8'), app.swagger({ yaml: true }))
})

t.test('openapi.yaml passes the linter', async (t) => {
  const cli = fileURLToPath(import.meta.resolve('@redocly/cli/bin/cli.js'))
  // That GET /health has no 4xx of its own is no fault.
  const args = [cli, 'lint', '--skip-rule=operation-4xx-response', '--format=stylish', 'openapi.yaml']
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }
  const { stdout } = await promisify(execFile)(process.execPath, args, { env })
  t.notMatch(stdout, /\b(error|warning)\b/)
})

t.test('every operation has a name, a declared tag, a short summary and described responses', async (t) => {
  const app = await describeApp()
  t.teardown(() => app.close())
  const document = app.swagger() as unknown as Document
  t.match(document.openapi, /^3\.1/)
  const tags = new Set(document.tags.map(({ name }) => name))
  const names = new Set<string>()
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const name = `${method} ${path}`
      t.ok(operation.operationId && operation.tags?.length === 1, name)
      t.ok(tags.has(operation.tags![0]!), `${name}: the tag is declared`)
      t.ok(operation.summary && operation.summary.length < 60, `${name}: the summary is short`)
      t.notOk(names.has(operation.operationId!), name)
      names.add(operation.operationId!)
      for (const [status, response] of Object.entries(operation.responses)) {
        t.ok(response.description && response.description !== 'Default Response', `${name} ${status}`)
      }
    }
  }
  t.ok(names.size >= 19)
})

t.test('every schema, property and parameter has a description', async (t) => {
  const app = await describeApp()
  t.teardown(() => app.close())
  const document = app.swagger() as unknown as Document
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    t.ok(schema['description'], name)
  }
  t.same(withoutDescription(document, ''), [])
})

/** Where in the document a property or a parameter lacks a description. */
function withoutDescription(value: unknown, path: string): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, each]: [string, unknown]) => {
    const place = `${path}/${key}`
    if (key === 'examples' || key === 'example') return []
    if (key !== 'properties' && key !== 'parameters') return withoutDescription(each, place)
    return Object.entries(each as object).flatMap(
      ([name, field]: [string, { description?: string; $ref?: string }]) => [
        ...(field.description || field.$ref ? [] : [`${place}/${name}`]),
        ...withoutDescription(field, `${place}/${name}`),
      ],
    )
  })
}

t.test('examples are valid, and answers are what the document says, no field more', async (t) => {
  const service = await contractService(t)
  await trainOnSynthetic(service)
  const app = await describeApp()
  t.teardown(() => app.close())
  const document = app.swagger() as unknown as Document
  const ajv = ajvFormats.default(new Ajv({ strict: false, allErrors: true }))
  for (const ours of ['ip', 'printable']) ajv.addFormat(ours, true)
  ajv.addSchema({ $id: 'document', ...closed(document) })
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    for (const example of (schema['examples'] as unknown[] | undefined) ?? []) {
      t.ok(ajv.validate(`document#/components/schemas/${name}`, example), `${name}: ${ajv.errorsText()}`)
    }
  }
  const job = (await service.post('/train', { wait: false })).body.data as { id: string }
  const { anomaly_detector: versions } = (await service.get('/model/versions')).body.data as {
    anomaly_detector: { version: string }[]
  }
  const bodies: Record<string, object> = {
    '/detect': USUAL,
    '/detect/batch': { metrics: [USUAL, { ...USUAL, requests_per_second: 500 }] },
    '/train': { days: 1 },
    '/generate/synthetic': { duration_hours: 10 },
    '/ingest/requests': {
      batch_id: 'one',
      requests: [{ timestamp: new Date().toISOString(), method: 'GET', path: '/', status_code: 200 }],
    },
    '/endpoints/preview': { rules: { ignore: ['/health'] } },
    '/endpoints/rules': { rules: { ignore: ['/health'] } },
    '/model/activate': { model: 'anomaly', version: versions[0]!.version },
  }
  for (const path of [
    ...Object.keys(document.paths).filter((each) => each !== '/model/reset'),
    '/model/reset',
  ]) {
    for (const [method, { responses }] of Object.entries(document.paths[path]!)) {
      const isStream = responses['200'] === undefined && responses['202'] === undefined
      if (isStream) continue
      const url = path.replace('{id}', job.id)
      const answer = await service[method as 'get' | 'post' | 'put' | 'delete'](url, bodies[path])
      const pointer = `document#/paths/${path.replaceAll('/', '~1')}/${method}/responses/${answer.status}/content/application~1json/schema`
      t.ok(ajv.validate(pointer, answer.body), `${method} ${path} ${answer.status}: ${ajv.errorsText()}`)
    }
  }
  const refused = await service.post('/detect', {})
  t.ok(ajv.validate('document#/components/schemas/Failure', refused.body), ajv.errorsText())
})

t.test('docs/errors.md explains every failure code with its status', async (t) => {
  const document = await readFile('docs/errors.md', 'utf8')
  const documented = [...document.matchAll(/^\| `([A-Z_]+)` \| (\d{3}) \|/gm)].map(([, code, status]) => [
    code,
    Number(status),
  ])
  t.same(Object.fromEntries(documented), FAILURES)
})
