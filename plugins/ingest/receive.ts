import { createHash } from 'node:crypto'
import { StringDecoder } from 'node:string_decoder'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { BodyReader, TooLongError, type Place } from '../../formats/ingest/body-reader.js'
import { ROW_FIELDS } from '../../formats/ingest/row-fields.js'
import { RowProblem, type ReadRow, type RequestRow } from '../../formats/ingest/row-reader.js'
import { JsonBounds } from '../../formats/json/bounds.js'
import { ServiceError } from '../http/errors.js'
import { explainJsonError, withinBounds } from '../http/json-body.js'
import { show } from '../http/validation.js'
import { inWords, placeName, rowFieldName, Skipped } from './skipped.js'

const MAX_REQUESTS = 10_000

/** Bytes that are read at a time. Other requests are answered in between. */
const PIECE = 1 << 16

/** Entries of a document that are read at a time. */
const ROWS = 500

/** Values in a body, and in one that is parsed in one piece. */
const MAX_VALUES = 2_000_000
const MAX_DOCUMENT_VALUES = 500_000

const MAX_UNKNOWN_FIELDS = 20

const KNOWN = new Set<string>(ROW_FIELDS)

interface ReadingOptions {
  readonly isNdjson: boolean
  readonly readRow: ReadRow
  /** Rows have the names of the interface, so that another name is a mistake. */
  readonly isStrict: boolean
  readonly onInvalid: 'reject' | 'skip'
  /** Called with the bytes of each piece. */
  readonly onBytes: (bytes: number) => void
}

/** What a body contained. */
export interface Received {
  readonly rows: RequestRow[]
  readonly kind: Place['kind']
  /** The number of each row within the body. */
  readonly numbers: number[]
  readonly skipped: Skipped
  readonly unknownFields: readonly string[]
  /** SHA-256 of the body. */
  readonly hash: Buffer
  /** From an object with `requests`. */
  readonly batchId: unknown
  readonly source: unknown
}

/**
 * Reads the requests of a body while it arrives.
 * @throws ServiceError INVALID_REQUEST or INVALID_JSON for the first bad row, unless bad rows are skipped; and for a
 * body that contains no rows, or too many
 */
export async function receive(body: AsyncIterable<Buffer>, options: ReadingOptions): Promise<Received> {
  const collector = new Collector(options)
  const reader = new BodyReader(collector, options.isNdjson)
  const bounds = new JsonBounds(MAX_VALUES)
  const hash = createHash('sha256')
  const decoder = new StringDecoder('utf8')
  let isFirst = true
  try {
    for await (const chunk of body) {
      options.onBytes(chunk.length)
      for (let start = 0; start < chunk.length; start += PIECE) {
        const piece = chunk.subarray(start, start + PIECE)
        hash.update(piece)
        withinBounds(() => bounds.push(piece))
        const text = decoder.write(piece)
        reader.push(isFirst && text.startsWith('\ufeff') ? text.slice(1) : text)
        isFirst = false
        await nextTurn()
      }
    }
    reader.push(decoder.end())
    if (reader.isDocument) assertDocument(bounds)
    reader.end()
  } catch (error) {
    throw error instanceof TooLongError ? tooLong(error) : error
  }
  while (collector.addListed(ROWS)) await nextTurn()
  return collector.result(hash.digest())
}

function assertDocument({ values }: JsonBounds): void {
  if (values <= MAX_DOCUMENT_VALUES) return
  const what = `The JSON document has more than ${MAX_DOCUMENT_VALUES} values`
  throw new ServiceError('BODY_TOO_LARGE', `${what}. Send fewer rows at a time, as a list or as NDJSON.`)
}

function tooLong(error: TooLongError): ServiceError {
  const what =
    error.message === 'entry'
      ? 'An entry of the body is larger than 1 MiB'
      : 'The JSON document is larger than 8 MiB'
  return new ServiceError('BODY_TOO_LARGE', `${what}. Send fewer rows at a time, as a list or as NDJSON.`)
}

class Collector {
  readonly #rows: RequestRow[] = []
  readonly #numbers: number[] = []
  readonly #skipped = new Skipped()
  readonly #unknown = new Set<string>()
  #kind: Place['kind'] = 'entry'
  #count = 0
  #listed: readonly unknown[] = []
  #next = 0
  #batchId: unknown
  #source: unknown

  constructor(private readonly options: ReadingOptions) {}

  onEntry(text: string, place: Place): void {
    if (++this.#count > MAX_REQUESTS) return
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (error) {
      return this.#refuse(place, notJson(place, text, error))
    }
    this.#add(value, place)
  }

  onDocument(value: unknown): void {
    if (isObject(value)) {
      refuseProto(value, undefined)
      if (Object.hasOwn(value, 'requests')) return this.#addBatch(value)
      if (!this.options.isStrict || ROW_FIELDS.some((field) => Object.hasOwn(value, field))) {
        this.#count = 1
        return this.#add(value, { kind: 'document', number: 0 })
      }
    } else if (value !== undefined) {
      throw invalid(
        'The body',
        `is ${show(value)}; allowed is a JSON object, a list of them, or NDJSON`,
        'body',
      )
    }
    throw invalid('requests', `is required; allowed is ${LIST}`)
  }

  onBroken(text: string, error?: unknown): void {
    const message = text.startsWith('the list: ')
      ? `The body is not valid JSON: ${text}.`
      : explainJsonError(text, error)
    throw new ServiceError('INVALID_JSON', message)
  }

  result(hash: Buffer): Received {
    if (this.#count === 0 || this.#count > MAX_REQUESTS) {
      throw invalid('requests', `is a list of ${this.#count}; allowed is ${LIST}`)
    }
    return {
      rows: this.#rows,
      kind: this.#kind,
      numbers: this.#numbers,
      skipped: this.#skipped,
      unknownFields: [...this.#unknown],
      hash,
      batchId: this.#batchId,
      source: this.#source,
    }
  }

  #addBatch(batch: Record<string, unknown>): void {
    const { requests } = batch
    if (!Array.isArray(requests)) throw invalid('requests', `is ${show(requests)}; allowed is ${LIST}`)
    this.#batchId = batch['batch_id']
    this.#source = batch['source']
    for (const key of Object.keys(batch)) if (!BATCH_FIELDS.has(key)) this.#warn(key)
    this.#count = requests.length
    if (this.#count <= MAX_REQUESTS) this.#listed = requests
  }

  /** Adds the next rows of a document. @returns whether there may be more */
  addListed(count: number): boolean {
    const end = Math.min(this.#next + count, this.#listed.length)
    for (; this.#next < end; this.#next++) {
      this.#add(this.#listed[this.#next], { kind: 'entry', number: this.#next })
    }
    return end < this.#listed.length
  }

  #add(value: unknown, place: Place): void {
    if (isObject(value) && Object.hasOwn(value, '__proto__')) {
      return this.#refuse(place, notJson(place))
    }
    const row = this.options.readRow(value)
    if (row instanceof RowProblem) return this.#refuse(place, row)
    if (this.options.isStrict && this.#unknown.size < MAX_UNKNOWN_FIELDS) {
      for (const key in value as object) if (!KNOWN.has(key)) this.#warn(`requests[].${key}`)
    }
    this.#kind = place.kind
    this.#rows.push(row)
    this.#numbers.push(place.number)
  }

  #warn(field: string): void {
    if (this.#unknown.size < MAX_UNKNOWN_FIELDS) this.#unknown.add(field.slice(0, 100))
  }

  #refuse(place: Place, problem: RowProblem): void {
    if (this.options.onInvalid === 'reject') throw rowFailure(place, problem)
    this.#skipped.add(place, problem)
  }
}

const LIST = `a list of 1 to ${MAX_REQUESTS} entries`

const BATCH_FIELDS = new Set(['batch_id', 'source', 'requests'])

/** The failure that names a row. */
export function rowFailure(place: Place, problem: RowProblem): ServiceError {
  if (problem.reason === 'not_json') return new ServiceError('INVALID_JSON', problem.allowed)
  const name = rowFieldName(place, problem.field)
  return invalid(name, inWords(problem), name === 'The body' ? 'body' : name)
}

export function invalid(name: string, problem: string, field = name): ServiceError {
  return new ServiceError('INVALID_REQUEST', `${name} ${problem}.`, [{ field, problem }])
}

/** @param error what the parser threw; none for a key that is not allowed */
function notJson(place: Place, text = '', error?: unknown): RowProblem {
  return new RowProblem(
    undefined,
    'not_json',
    undefined,
    explainJsonError(text, error, placeName(place) || undefined),
  )
}

function refuseProto(value: object, name: string | undefined): void {
  if (Object.hasOwn(value, '__proto__'))
    throw new ServiceError('INVALID_JSON', explainJsonError('', undefined, name))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
