import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { testDirectory } from '../postgres.js'

t.test("the client's types are those of openapi.yaml (npm run openapi writes them anew)", async (t) => {
  const generated = join(await testDirectory(t), 'contract.ts')
  const cli = fileURLToPath(new URL('bin/cli.js', import.meta.resolve('openapi-typescript/package.json')))
  await promisify(execFile)(process.execPath, [cli, 'openapi.yaml', '--output', generated])
  t.equal(await readFile('client/src/generated/contract.ts', 'utf8'), await readFile(generated, 'utf8'))
})
