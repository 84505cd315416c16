import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import t from 'tap'
import ts from 'typescript'

const METRICS = 'requests_per_second: 5, avg_latency_ms: 1, p95_latency_ms: 2, p99_latency_ms: 3'
const HEAD = `import { createClient, getMLClient, MLServiceError } from '@aegis/ml-client'
const client = createClient({ baseUrl: 'http://localhost:5000' })
const service = getMLClient()
`

/** What the type checker has against some lines that use the client, as strictly as a gateway may be checked. */
function complaints(lines: string): string[] {
  const file = resolve('snippet.mts')
  const options: ts.CompilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    types: ['node'],
  }
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists } = host
  host.fileExists = (name) => name === file || fileExists(name)
  host.getSourceFile = (name, ...rest) =>
    name === file
      ? ts.createSourceFile(name, HEAD + lines, ts.ScriptTarget.ES2022)
      : getSourceFile(name, ...rest)
  const program = ts.createProgram([file], options, host)
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
}

t.test('right calls type-check, with the types of their answers', (t) => {
  const lines = `
    const verdict = await client.detect({ ${METRICS}, error_rate: 0 })
    const type: 'traffic_spike' | 'traffic_drop' | 'latency_spike' | 'error_rate_spike' | 'pattern_anomaly' | 'multi_dimensional' | null = verdict.anomaly_type
    const limit: number = (await service.optimizeRateLimit({ endpoint: '/', strategy: 'adaptive' })).recommended_limit
    const state: 'running' | 'done' | 'failed' | 'stopped' = (await client.train({ wait: false })).state
    const samples: number | undefined = (await client.train()).anomaly_detector?.samples
    const text: string = await client.exportTrainingData({ format: 'csv' })
    const count: number = (await client.exportTrainingData({ format: 'json' })).count
    await client.trainSynthetic()
    await client.resetModels()
    for await (const job of client.followTrainingJob({ id: 'x' })) job.state satisfies string
    try { await service.checkHealth() } catch (error) {
      if (error instanceof MLServiceError) { const code: string = error.code; const status: number | null = error.status }
    }`
  t.same(complaints(lines), [])
  t.end()
})

for (const [what, lines, complaint] of [
  ['a wrong field name', `await client.detect({ ${METRICS}, error_rates: 0 })`, /error_rates/],
  ['a missing field', `await client.detect({ ${METRICS} })`, /error_rate.* missing|missing.*error_rate/s],
  ['a wrong strategy', `await client.optimize({ endpoint: '/', strategy: 'bold' })`, /"bold"/],
  [
    'a wrong strategy by the old name',
    `await service.optimizeRateLimit({ endpoint: '/', strategy: 'bold' })`,
    /"bold"/,
  ],
  ['a text for a number', `await client.train({ days: '7' })`, /'string' is not assignable to type 'number'/],
  ['a call that is none', `await client.detects({})`, /detects/],
  ['a field that the answer has not', `(await client.getTrend()).trend`, /'trend' does not exist/],
] as const) {
  t.test(`${what} does not`, (t) => {
    t.match(complaints(lines).join('\n'), complaint)
    t.end()
  })
}

t.test('the declarations name nothing of the service', (t) => {
  t.notMatch(readFileSync('client/dist/index.d.ts', 'utf8'), /fastify|typebox|\.\.\/\.\./)
  t.end()
})
