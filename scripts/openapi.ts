import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { describeApp } from '../app.js'

const HELP = `Prints the OpenAPI document of the service as YAML. It is generated from the schemas of the routes.

Usage
  node dist/scripts/openapi.js [--output FILE]
  npm run openapi             write openapi.yaml and the types of the client

Options
  --output FILE   write to FILE (default: standard output)
  --help          show this help
`

const { values } = parseArgs({ options: { output: { type: 'string' }, help: { type: 'boolean' } } })
if (values.help) {
  process.stdout.write(HELP)
} else {
  const app = await describeApp()
  const yaml = app.swagger({ yaml: true })
  await app.close()
  if (values.output === undefined) process.stdout.write(yaml)
  else await writeFile(values.output, yaml)
}
