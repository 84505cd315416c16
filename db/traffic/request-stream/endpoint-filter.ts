import { splitEndpoint } from '../../../models/traffic/endpoint-name.js'
import type { EndpointFolding } from '../../../models/traffic/endpoint-folding.js'
import type { CopiedRows } from './copied-rows.js'
import { KnownKeys } from './known-keys.js'

/** The requests of one endpoint: roughly on the server, which knows no templates, and then exactly. */
export class EndpointFilter {
  /** Empty when all methods are meant. */
  readonly #method: string
  readonly #template: string
  readonly #folding: EndpointFolding
  readonly #known = new KnownKeys()

  /** @param endpoint `/users/{id}`, or of one method `GET /users/{id}`; a raw path stands for its template */
  constructor(endpoint: string, folding: EndpointFolding) {
    const { method, path } = splitEndpoint(endpoint)
    this.#method = method
    this.#folding = folding
    this.#template = folding.template(path)
  }

  /** A condition that all its requests meet, and some others. */
  condition(): string {
    const prefix = this.#folding.prefixOf(this.#template)
    const ofPath = `(left(coalesce(path, ''), ${[...prefix].length}) = ${literal(prefix)} or strpos(path, '://') > 0)`
    return this.#method === '' ? ofPath : `upper(method) = ${literal(this.#method)} and ${ofPath}`
  }

  /** Whether a request that meets the condition is one of them. */
  accepts(row: CopiedRows): boolean {
    const known = row.knownRequest(this.#known, this.#folding.readsNumbers)
    if (known >= 0) return known === 1
    const accepts = this.#folding.template(row.path) === this.#template
    row.rememberRequest(this.#known, accepts ? 1 : 0)
    return accepts
  }
}

/** COPY takes no parameters; standard_conforming_strings is on. PostgreSQL has no U+0000, nor a path with it. */
function literal(text: string): string {
  return `'${text.replaceAll("'", "''").replaceAll('\0', '\ufffd')}'`
}
