import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { blocksOf, DOCUMENTS, placeOf, runnable, type Block } from './documents.js'
import { readersFolder, readersService, trainedService, type ReadersService } from './service.js'

interface Answer {
  readonly url: string
  readonly status: number
  readonly text: string
}

const LOG = Array.from(
  { length: 20 },
  (_, i) =>
    `203.0.113.${i} - - [31/Jan/2026:12:00:${10 + i} +0000] "GET /users/${i} HTTP/1.1" 200 512 "-" "curl" 0.0${10 + i}\n`,
).join('')

for (const document of DOCUMENTS.filter((document) => shellBlocks(document).length > 0)) {
  t.test(`the commands of ${document} do what it says`, async (t) => {
    const isReadme = document === 'README.md'
    const service = await serviceFor(t, document)
    const environment = await readersEnvironment(service)
    for (const block of shellBlocks(document)) {
      const { code, stderr } = await runInShell(block.text, service.folder, environment)
      t.equal(code, 0, `${placeOf(block)} ends well`, { stderr })
    }
    const answers = await answersOf(environment)
    for (const { url, status, text } of answers) {
      t.ok(status === 200 || status === 202, `${status} of ${new URL(url).pathname}`, { text })
    }
    if (isReadme) checkFirstAnswers(t, answers)
  })
}

t.test('what is not run is counted, and needs what it says', (t) => {
  const left = DOCUMENTS.flatMap(blocksOf).filter(({ notRun }) => notRun !== null)
  for (const block of left) t.comment(`${placeOf(block)} is not run: it ${block.notRun}`)
  const known = ['sh', 'js', 'ts', 'json', 'yaml', 'sql', 'text']
  for (const block of DOCUMENTS.flatMap(blocksOf)) {
    t.ok(known.includes(block.language), `${placeOf(block)} is of a language that the tests know`)
  }
  t.ok(left.length < runnable('sh').length, `${left.length} blocks are not run`)
  t.end()
})

async function serviceFor(t: Test, document: string): Promise<Omit<ReadersService, 'sql'>> {
  if (document === 'README.md') return readersService(t)
  if (shellBlocks(document).some(({ text }) => text.includes('curl '))) return trainedService(t)
  return { url: '', folder: await readersFolder(t), environment: {} }
}

function shellBlocks(document: string): Block[] {
  return runnable('sh').filter((block) => block.document === document)
}

/** What a reader of the README sees first, and the answer that is printed there. */
function checkFirstAnswers(t: Test, answers: readonly Answer[]): void {
  const [generated, trained, usual, spike] = answers.map(({ text }) => text)
  const parsed = (text = '') => JSON.parse(text) as { data: Record<string, unknown> }
  t.match(parsed(generated).data, { generated: true })
  t.match(parsed(trained).data, { trained: true })
  t.match(parsed(usual).data, { anomaly: false })
  const shown = parsed(blocksOf('README.md').find(({ language }) => language === 'json')!.text)
  const { data } = parsed(spike)
  const { anomaly, anomaly_type, severity, confirmed } = shown.data
  t.match(data, { anomaly, anomaly_type, severity, confirmed })
  for (const [field, value] of Object.entries(shown.data)) t.equal(typeof data[field], typeof value, field)
}

/** Programs in the PATH that stand in for curl and npm, and the files that the commands read. */
async function readersEnvironment({ url, folder, environment }: Omit<ReadersService, 'sql'>) {
  const programs = join(folder, 'programs')
  await mkdir(programs)
  for (const name of ['curl', 'npm']) {
    const shim = fileURLToPath(new URL(`shims/${name}.js`, import.meta.url))
    await writeFile(join(programs, name), `#!/bin/sh\nexec '${process.execPath}' '${shim}' "$@"\n`)
    await chmod(join(programs, name), 0o755)
  }
  await writeFile(join(folder, 'access.log'), LOG)
  await writeFile(join(folder, 'access.log.1.gz'), gzipSync(LOG.replaceAll('31/Jan', '30/Jan')))
  const answers = join(folder, 'answers.jsonl')
  await writeFile(answers, '')
  const path = [programs, process.env['PATH']].join(delimiter)
  return { ...environment, PATH: path, DOCS_SERVICE: url, DOCS_ANSWERS: answers }
}

async function runInShell(text: string, cwd: string, env: Record<string, string>) {
  const child = spawn('bash', ['--norc', '-e', '-o', 'pipefail', '-c', text], {
    ...{ cwd, env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (stderr += piece))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stderr }
}

async function answersOf({ DOCS_ANSWERS }: { DOCS_ANSWERS: string }): Promise<Answer[]> {
  const lines = (await readFile(DOCS_ANSWERS, 'utf8')).split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as Answer)
}
