import fp from 'fastify-plugin'
import { ServiceError } from './errors.js'
import { explainJsonError, unsupportedMediaType } from './json-body.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The list of the body whose entries may come as NDJSON instead, with the other fields in the query. */
    jsonLines?: { readonly list: string; readonly most: number }
  }
  interface FastifyRequest {
    /** Of an NDJSON body, the number of the line of each entry. */
    jsonLines: readonly number[] | undefined
  }
}

/** Takes NDJSON where a route says so, as if it were the JSON body of that route. */
export default fp(
  async (app) => {
    const parseLine = app.getDefaultJsonParser('error', 'error')
    app.decorateRequest('jsonLines', undefined)
    app.addContentTypeParser<string>('application/x-ndjson', { parseAs: 'string' }, (request, body, done) => {
      const { jsonLines } = request.routeOptions.config
      if (jsonLines === undefined) return done(body === '' ? null : unsupportedMediaType(request), undefined)
      const parse = (text: string, line: number): unknown => {
        let row: unknown
        void parseLine(request, text, (error, value) => {
          if (error) throw new ServiceError('INVALID_JSON', explainJsonError(text, line))
          row = value
        })
        return row
      }
      try {
        const { rows, lines } = readLines(body, jsonLines.most, parse)
        request.jsonLines = lines
        done(null, { ...(request.query as object), [jsonLines.list]: rows })
      } catch (error) {
        done(error as ServiceError)
      }
    })
  },
  { name: 'json-lines', dependencies: ['envelope'] },
)

/** The rows of a text; those that are too many are counted only. Empty lines are passed over. */
function readLines(body: string, most: number, parse: (text: string, line: number) => unknown) {
  const rows: unknown[] = []
  const lines: number[] = []
  for (let start = 0, line = 1; start < body.length; line++) {
    const lf = body.indexOf('\n', start)
    const end = lf < 0 ? body.length : lf
    const text = body.slice(start, end).trim()
    start = end + 1
    if (text === '') continue
    rows.push(rows.length < most ? parse(text, line) : null)
    lines.push(line)
  }
  return { rows, lines }
}
