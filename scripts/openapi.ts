import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { describeApp } from '../app.js'

const HELP = `Prints the service's OpenAPI document, made of the routes' schemas, as YAML.

  npm run openapi             writes openapi.yaml
  node dist/scripts/openapi.js [--output FILE]

Options
  --output FILE   write there instead of standard output
  --help          this text
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
