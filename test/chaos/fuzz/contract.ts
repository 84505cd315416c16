import { readFileSync } from 'node:fs'
import { Ajv, type AnySchemaObject, type ValidateFunction } from 'ajv'
import ajvFormats from 'ajv-formats'
import { parse } from 'yaml'
import { closed } from '../../contract/closed.js'

export type Schema = AnySchemaObject

export interface Parameter {
  readonly name: string
  readonly in: 'query' | 'path' | 'header'
  readonly required: boolean
  readonly schema: Schema
}

export interface Operation {
  readonly operationId: string
  readonly method: string
  /** As in the contract: `/incidents/{id}`. */
  readonly path: string
  readonly parameters: readonly Parameter[]
  /** Schemas of the body by content type; empty without a body. */
  readonly bodies: Readonly<Record<string, Schema>>
  /** Content types by status, as the contract names it: 200, 2XX, default. */
  readonly answers: Readonly<Record<string, readonly string[]>>
}

export interface Contract {
  readonly operations: readonly Operation[]
  /** The schema that a reference points to. */
  resolve(reference: string): Schema
  /** Why an answer is none that the contract lists, or undefined. */
  explain(operation: Operation, answer: JsonAnswer): string | undefined
  /** Why a body is no failure of the contract, or undefined. */
  explainFailure(body: unknown): string | undefined
}

interface JsonAnswer {
  readonly status: number
  readonly type: string
  readonly body: unknown
}

interface RawOperation {
  operationId: string
  parameters?: Parameter[]
  requestBody?: { content: Record<string, { schema?: Schema }> }
  responses: Record<string, { content?: Record<string, unknown> }>
}
interface Document {
  paths: Record<string, Record<string, RawOperation>>
  components: { schemas: Record<string, Schema> }
}

/** What openapi.yaml promises. Answers may have no field that it does not list. */
export function readContract(file = 'openapi.yaml'): Contract {
  const document = parse(readFileSync(file, 'utf8')) as Document
  const ajv = ajvFormats.default(new Ajv({ strict: false }))
  for (const ours of ['ip', 'printable']) ajv.addFormat(ours, true)
  ajv.addSchema({ $id: 'document', ...closed(document) })
  const validatorOf = (pointer: string) => ajv.getSchema(`document#/${pointer}`)!
  const problemOf = (validate: ValidateFunction, body: unknown) =>
    validate(body) ? undefined : ajv.errorsText(validate.errors)
  return {
    operations: Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, raw]) => operationOf(path, method, raw)),
    ),
    resolve: (reference) => document.components.schemas[reference.split('/').at(-1)!]!,
    explain({ path, method, answers }, { status, type, body }) {
      const listed = [String(status), `${Math.floor(status / 100)}XX`, 'default'].find(
        (each) => answers[each],
      )
      if (listed === undefined || (listed === 'default' && status < 400))
        return `status ${status} is not listed`
      if (!answers[listed]!.includes(type)) return `content type ${type} is not listed for ${status}`
      if (body === undefined) return undefined
      const [place, content] = [path, type].map((each) => each.replaceAll('~', '~0').replaceAll('/', '~1'))
      const pointer = `paths/${place}/${method.toLowerCase()}/responses/${listed}/content/${content}/schema`
      const validate = validatorOf(encodeURI(pointer))
      return validate && problemOf(validate, body)
    },
    explainFailure: (body) => problemOf(validatorOf('components/schemas/Failure'), body),
  }
}

function operationOf(path: string, method: string, raw: RawOperation): Operation {
  const { operationId, parameters = [], requestBody, responses } = raw
  return {
    ...{ operationId, path, method: method.toUpperCase(), parameters },
    bodies: Object.fromEntries(
      Object.entries(requestBody?.content ?? {}).map(([type, { schema }]) => [type, schema ?? {}]),
    ),
    answers: Object.fromEntries(
      Object.entries(responses).map(([status, { content }]) => [status, Object.keys(content ?? {})]),
    ),
  }
}
