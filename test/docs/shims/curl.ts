import { createWriteStream, appendFileSync, readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/**
 * Stands in for curl in the commands of the documents, so that they run on machines without it: the flags below, and
 * localhost:5000 is the service under test (DOCS_SERVICE). Each answer is noted in the file DOCS_ANSWERS.
 */
const { DOCS_SERVICE: service = '', DOCS_ANSWERS: answers = '' } = process.env
const headers: Record<string, string> = {}
let method: string | undefined
let url = ''
let body: string | undefined
let output: string | undefined

const words = process.argv.slice(2)
const next = () => words.shift() ?? ''
for (let word = words.shift(); word !== undefined; word = words.shift()) {
  if (['-s', '-S', '-N', '-f', '-sS', '-fsS', '-sN', '-sg'].includes(word)) continue
  else if (word === '-X') method = next()
  else if (word === '-o') output = next()
  else if (word === '-d' || word === '--data-binary') body = dataOf(next())
  else if (word === '-H') {
    const [, name = '', value = ''] = /^([^:]+): *(.*)$/.exec(next()) ?? []
    headers[name.toLowerCase()] = value
  } else if (/^(?:http:\/\/)?(?:localhost|127\.0\.0\.1):5000\//.test(word)) {
    url = service + word.replace(/^(?:http:\/\/)?[^/]+/, '')
  } else {
    process.stderr.write(
      `The documents use curl with ${word}, which test/docs/shims/curl.ts does not know.\n`,
    )
    process.exit(2)
  }
}

function dataOf(value: string): string {
  return value.startsWith('@') ? readFileSync(value.slice(1), 'utf8') : value
}

headers['content-type'] ??= 'application/x-www-form-urlencoded'
if (body === undefined) delete headers['content-type']
const response = await fetch(url, {
  method: method ?? (body === undefined ? 'GET' : 'POST'),
  headers,
  ...(body !== undefined && { body }),
})
const text = await response.text()
appendFileSync(answers, `${JSON.stringify({ url, status: response.status, text })}\n`)
await pipeline(Readable.from([text]), output === undefined ? process.stdout : createWriteStream(output))
