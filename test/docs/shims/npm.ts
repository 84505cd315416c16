import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * Stands in for npm in the commands of the documents. A script has to be in package.json. Those that work on data are
 * run, with less of it; what takes minutes, or is tested elsewhere, is not.
 */
const ROOT = new URL('../../../', import.meta.url)
const DATA_SCRIPTS = ['export-training-data', 'generate-synthetic-data', 'import-access-log']
/** Later options win. */
const LESS = ['--days', '1', '--base-rps', '0.2']

const { scripts } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as {
  scripts: Record<string, string>
}
const words = process.argv.slice(2).filter((word) => word !== '-s')
const [command = '', first = ''] = words

if (command === 'run') run(first, words.slice(2))
else if (['test', 'start'].includes(command)) run(command, words.slice(1))
else if (!['ci', 'install', 'pack'].includes(command)) refuse(`npm ${command} is not known here`)

function run(script: string, args: readonly string[]): void {
  if (!(script in scripts)) return refuse(`package.json has no script ${script}`)
  if (args.length > 0 && args[0] !== '--') return refuse(`npm run ${script} needs -- before its options`)
  if (script === 'keys') return runFile('aegis-ml', ['keys', ...args.slice(1)])
  if (!DATA_SCRIPTS.includes(script)) return
  const less = script === 'generate-synthetic-data' ? LESS : []
  runFile(script, [...args.slice(1), ...less])
}

function runFile(name: string, args: readonly string[]): void {
  const program = fileURLToPath(new URL(`scripts/${name}.js`, ROOT))
  const { status } = spawnSync(process.execPath, [program, ...args], { stdio: 'inherit' })
  process.exitCode = status ?? 1
}

function refuse(reason: string): void {
  process.stderr.write(`${reason}.\n`)
  process.exitCode = 2
}
