import { parseArgs } from 'node:util'
import { backtest } from './backtest.js'
import { compare, type Benchmark, type Result } from './benchmark.js'
import { detectWhileTraining } from './detect-while-training.js'
import { exportTrainingData } from './export.js'
import { importAccessLog } from './import.js'
import { ingest } from './ingest.js'
import { insert } from './insert.js'
import { kernelBatch } from './kernel-batch.js'
import { kernelRow } from './kernel-row.js'
import { kernelSklearn } from './kernel-sklearn.js'
import { middlewareOverhead } from './middleware-overhead.js'
import { optimize } from './optimize.js'
import { replay } from './replay.js'
import { requestStream } from './request-stream.js'
import { rollups } from './rollups.js'
import { syntheticMemory } from './synthetic-memory.js'
import { tensor } from './tensor.js'

const benchmarks: Readonly<Record<string, Benchmark>> = {
  'kernel-batch': kernelBatch,
  'kernel-row': kernelRow,
  'kernel-sklearn': kernelSklearn,
  optimize,
  backtest,
  replay,
  tensor,
  'detect-while-training': detectWhileTraining,
  rollups,
  export: exportTrainingData,
  insert,
  ingest,
  'synthetic-memory': syntheticMemory,
  'import-access-log': importAccessLog,
  'request-stream': requestStream,
  'middleware-overhead': middlewareOverhead,
}

const help = `Usage: npm run bench -- [name …]

Measures each candidate and its reference in turns. Prints the medians and their ratio.

Exit codes: 0 success, 1 a target is missed, 2 usage.

Benchmarks (default: all): ${Object.keys(benchmarks).join(', ')}`

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
    strict: false,
  })
  if (values['help'] === true) {
    console.log(help)
    return 0
  }
  const options = Object.keys(values).map((name) => `--${name}`)
  const unknown = [...options, ...positionals].find((name) => !Object.hasOwn(benchmarks, name))
  if (unknown !== undefined) {
    console.error(`There is no benchmark or option ${unknown}.\n\n${help}`)
    return 2
  }
  const names = positionals.length > 0 ? positionals : Object.keys(benchmarks)
  printHeader()
  const missed: string[] = []
  for (const name of names) missed.push(...(await run(benchmarks[name]!)))
  for (const line of missed) console.error(`Target missed: ${line}`)
  return missed.length > 0 ? 1 : 0
}

/** Runs a benchmark and prints its lines. Returns the lines that missed their target. */
async function run(benchmark: Benchmark): Promise<string[]> {
  const prepared = await benchmark.prepare()
  if ('skipped' in prepared) {
    console.log(`${benchmark.name}: skipped. ${prepared.skipped}`)
    return []
  }
  const missed: string[] = []
  for (const comparison of prepared.comparisons) {
    const result = await compare(comparison)
    printResult(benchmark, result)
    const { rows, target = 0, reference } = comparison
    if (result.ratio >= target) continue
    missed.push(
      `${benchmark.name}, ${rows} rows: ${result.ratio.toFixed(2)} × ${reference.name}, not ${Number(target.toFixed(2))} ×`,
    )
  }
  await prepared.finish?.()
  return missed
}

const widths = [28, 9, 20, 14, 16, 14, 8, 8]

function printHeader(): void {
  printLine(['benchmark', 'rows', 'reference', 'rows/s', 'contestant', 'rows/s', 'ratio', 'target'])
  printLine(widths.map((width) => '-'.repeat(width)))
}

function printResult(benchmark: Benchmark, { comparison, referenceMs, candidateMs, ratio }: Result): void {
  const { rows, reference, candidate, target, unit } = comparison
  const figure = (measured: number): string =>
    unit === undefined
      ? Math.round((rows / measured) * 1000).toLocaleString('en')
      : `${Math.round(measured)} ${unit}`
  printLine([
    benchmark.name,
    rows.toLocaleString('en'),
    reference.name,
    figure(referenceMs),
    candidate.name,
    figure(candidateMs),
    `${ratio.toFixed(2)} ×`,
    target === undefined ? '' : `≥ ${Number(target.toFixed(2))} ×`,
  ])
}

/** Names are aligned left, numbers right. */
function printLine(cells: readonly string[]): void {
  const padded = cells.map((cell, i) =>
    [0, 2, 4].includes(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!),
  )
  console.log(padded.join('  ').trimEnd())
}

process.exitCode = await main()
