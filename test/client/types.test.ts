import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'
import ts from 'typescript'

const METRICS = 'requests_per_second: 5, avg_latency_ms: 1, p95_latency_ms: 2, p99_latency_ms: 3'
const HEAD = `import { createClient, getMLClient, MLServiceError } from '@aegis/ml-client'
const client = createClient({ baseUrl: 'http://localhost:5000' })
const service = getMLClient()
`

/** What the type checker has against lines that use the client, by the line, as strictly as a gateway may be checked. */
function complaints(lines: readonly string[]): Map<number, string> {
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
      ? ts.createSourceFile(name, HEAD + lines.join('\n'), ts.ScriptTarget.ES2022)
      : getSourceFile(name, ...rest)
  const program = ts.createProgram([file], options, host)
  const found = new Map<number, string>()
  for (const { file: source, start, messageText } of ts.getPreEmitDiagnostics(program)) {
    const at = source ? source.getLineAndCharacterOfPosition(start!).line - HEAD.split('\n').length + 1 : -1
    found.set(at, `${found.get(at) ?? ''}${ts.flattenDiagnosticMessageText(messageText, '\n')}\n`)
  }
  return found
}

const RIGHT = `
  const verdict = await client.detect({ ${METRICS}, error_rate: 0 })
  const type: 'traffic_spike' | 'traffic_drop' | 'latency_spike' | 'error_rate_spike' | 'pattern_anomaly' | 'multi_dimensional' | null = verdict.anomaly_type
  const limit: number | null = (await service.optimizeRateLimit({ endpoint: '/', strategy: 'adaptive' })).recommended_limit
  const state: 'running' | 'done' | 'failed' | 'stopped' = (await client.train({ wait: false })).state
  const samples: number | undefined = (await client.train()).anomaly_detector?.samples
  const text: string = await client.exportTrainingData({ format: 'csv' })
  const count: number = (await client.exportTrainingData({ format: 'json' })).length
  await client.trainSynthetic()
  await client.resetModels()
  for await (const job of client.followTrainingJob({ id: 'x' })) job.state satisfies string
  const rejected: number = (await client.backtest({ limit: 5 })).rejected
  const replayed: number = (await client.backtest({ limit: 5, wait: false })).progress
  for await (const job of client.followBacktestJob({ id: 'x' })) job.progress satisfies number
  try { await service.checkHealth() } catch (error) {
    if (error instanceof MLServiceError) { const code: string = error.code; const status: number | null = error.status }
  }`

const WRONG: [string, RegExp][] = [
  [`await client.detect({ ${METRICS}, error_rates: 0 })`, /error_rates/],
  [`await client.detect({ error_rate: 0 })`, /requests_per_second.* missing|missing.*requests_per_second/s],
  [`await client.optimize({ endpoint: '/', strategy: 'bold' })`, /"bold"/],
  [`await service.optimizeRateLimit({ endpoint: '/', strategy: 'bold' })`, /"bold"/],
  [`await client.train({ days: '7' })`, /'string' is not assignable to type 'number'/],
  [`await client.detects({})`, /detects/],
  [`await client.getTrend().then(({ trends }) => trends)`, /'trends' does not exist/],
]

// The type checker takes seconds for its libraries: both are checked at once.
const found = complaints([...WRONG.map(([line]) => line), RIGHT])

t.test('right calls type-check, with the types of their answers', (t) => {
  t.same(
    [...found].filter(([line]) => line < 0 || line >= WRONG.length),
    [],
  )
  t.end()
})

t.test('wrong fields, strategies, types and names are refused by the type checker', (t) => {
  WRONG.forEach(([line, complaint], index) => t.match(found.get(index), complaint, line))
  t.end()
})

t.test('the declarations import nothing of the service, nor a framework', (t) => {
  const files = readdirSync('client/dist', { recursive: true, encoding: 'utf8' })
  const declarations = files.filter((file) => file.endsWith('.d.ts'))
  t.ok(declarations.length > 10)
  for (const file of declarations) {
    const text = readFileSync(join('client/dist', file), 'utf8')
    t.notMatch(text, /(?:from|import\() ?['"](?:@?fastify|express|@sinclair|\.\.\/\.\.)/, file)
  }
  t.end()
})
