import { splitEndpoint } from '../../../models/traffic/endpoint-name.js'
import { pathTemplate } from '../../../models/traffic/path-template.js'
import type { CopiedRows } from './copied-rows.js'
import { Remembered } from './remembered.js'

const MAX_REMEMBERED = 100_000

/** The requests of one endpoint: roughly on the server, which knows no templates, and then exactly. */
export class EndpointFilter {
  /** Empty when all methods are meant. */
  readonly #method: string
  readonly #template: string
  readonly #known = new Remembered<boolean>(MAX_REMEMBERED)

  /** @param endpoint `/users/{id}`, or of one method `GET /users/{id}`; a raw path stands for its template */
  constructor(endpoint: string) {
    const { method, path } = splitEndpoint(endpoint)
    this.#method = method
    this.#template = pathTemplate(path)
  }

  /** A condition that all its requests meet, and some others. */
  condition(): string {
    // Up to the first placeholder a path is as its template; no path at all has the template of `/`.
    const prefix = this.#template === '/' ? '' : this.#template.split('{', 1)[0]!
    const ofPath = `left(coalesce(path, ''), ${[...prefix].length}) = ${literal(prefix)}`
    return this.#method === '' ? ofPath : `upper(method) = ${literal(this.#method)} and ${ofPath}`
  }

  /** Whether a request that meets the condition is one of them. */
  accepts(row: CopiedRows): boolean {
    const key = row.requestKey
    return this.#known.get(key) ?? this.#known.set(key, pathTemplate(row.path) === this.#template)
  }
}

/** COPY takes no parameters; standard_conforming_strings is on. PostgreSQL has no U+0000, nor a path with it. */
function literal(text: string): string {
  return `'${text.replaceAll("'", "''").replaceAll('\0', '\ufffd')}'`
}
