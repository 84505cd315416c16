import { createFinalURL, createQuerySerializer, defaultPathSerializer } from 'openapi-fetch'
import { dataOf, textOf } from './answer.js'
import { checkedKey } from './api-key.js'
import { MINUTE_MS } from './durations.js'
import { eventsOf } from './event-stream.js'
import { incidentEvents, type IncidentEvent } from './incident-events.js'
import type { components } from './generated/contract.js'
import { MLServiceError } from './ml-service-error.js'
import { OPERATIONS, type Data, type FileName, type Input, type OperationName } from './operations.js'
import { DEFAULT_RETRY, pause, withRetries, type RetryOptions } from './retry.js'
import { open, send, type Limits } from './transport.js'

export interface ClientOptions {
  /** Address of the service, with a path prefix if a proxy needs one. */
  readonly baseUrl: string
  /** Key of the service, sent as a bearer token. Default: ML_SERVICE_API_KEY. An empty text: none is sent. */
  readonly apiKey?: string | undefined
  /** Time limit of a call in milliseconds. Default: 10,000. */
  readonly timeoutMs?: number | undefined
  /** Time limit of training, recommendations, backtests, exports and generated traffic, in milliseconds. Default: 600,000. */
  readonly slowTimeoutMs?: number | undefined
  readonly retry?: Partial<RetryOptions> | undefined
}

export interface CallOptions {
  /** Aborts the call, which then throws the reason of the signal. */
  readonly signal?: AbortSignal | undefined
  /** Overrides the time limit of the client, in milliseconds. */
  readonly timeoutMs?: number | undefined
  readonly retry?: Partial<RetryOptions> | undefined
}

export type TrainingJob = components['schemas']['TrainingJob']
export type TrainResult = components['schemas']['TrainResult']
export type Backtest = components['schemas']['Backtest']
export type BacktestJob = components['schemas']['BacktestJob']
export type { Incident } from './incident-events.js'
export type Scan = components['schemas']['Scan']
export type ScanJob = components['schemas']['ScanJob']

export type { IncidentEvent }

type Args<Name extends OperationName> =
  Record<never, never> extends Input<Name>
    ? [input?: Input<Name>, options?: CallOptions]
    : [input: Input<Name>, options?: CallOptions]

type PlainName = Exclude<
  OperationName,
  | FileName
  | ('train' | 'followTrainingJob' | 'backtest' | 'followBacktestJob')
  | ('followIncidents' | 'scanIncidents' | 'followScanJob')
>

/** Operations that may return a file. The default format is `json`, and `csv` for the training data. */
interface Files {
  exportTrainingData(
    input: Input<'exportTrainingData'> & { format: 'json' },
    options?: CallOptions,
  ): Promise<Data<'exportTrainingData'>>
  exportTrainingData(input?: Input<'exportTrainingData'>, options?: CallOptions): Promise<string>
  exportRateLimits(
    input?: Input<'exportRateLimits'> & { format?: 'json' },
    options?: CallOptions,
  ): Promise<Data<'exportRateLimits'>>
  exportRateLimits(input: Input<'exportRateLimits'>, options?: CallOptions): Promise<string>
  exportEndpointProfiles(
    input?: Input<'exportEndpointProfiles'> & { format?: 'json' },
    options?: CallOptions,
  ): Promise<Data<'exportEndpointProfiles'>>
  exportEndpointProfiles(input: Input<'exportEndpointProfiles'>, options?: CallOptions): Promise<string>
  /** The training data as a stream, for files that do not fit into memory. */
  streamTrainingData(
    input?: Input<'exportTrainingData'>,
    options?: CallOptions,
  ): Promise<ReadableStream<Uint8Array>>
}

/** Every operation of the contract by its name. Each resolves to the `data` of the envelope. */
export type Client = { [Name in PlainName]: (...args: Args<Name>) => Promise<Data<Name>> } & Files & {
    /** With `wait: false`, resolves to the job that has begun. Otherwise waits for the result. */
    train(input: Input<'train'> & { wait: false }, options?: CallOptions): Promise<TrainingJob>
    train(input?: Input<'train'> & { wait?: true }, options?: CallOptions): Promise<TrainResult>
    /** Yields the job at each change, until it ends. */
    followTrainingJob(
      input: Input<'followTrainingJob'>,
      options?: CallOptions,
    ): AsyncGenerator<TrainingJob, void>
    /** With `wait: false`, resolves to the job that has begun. */
    backtest(input: Input<'backtest'> & { wait: false }, options?: CallOptions): Promise<BacktestJob>
    backtest(input?: Input<'backtest'> & { wait?: true }, options?: CallOptions): Promise<Backtest>
    /** Yields the job at each change, until it ends. */
    followBacktestJob(
      input: Input<'followBacktestJob'>,
      options?: CallOptions,
    ): AsyncGenerator<BacktestJob, void>
    /**
     * Yields each change of an incident, from now on or after an event. When the connection breaks, it connects again and
     * goes on where it was; it ends when the signal is aborted, or the service cannot be reached after the retries.
     */
    followIncidents(
      input?: Input<'followIncidents'>,
      options?: CallOptions,
    ): AsyncGenerator<IncidentEvent, void>
    /** With `wait: false`, resolves to the job that has begun. */
    scanIncidents(input: Input<'scanIncidents'> & { wait: false }, options?: CallOptions): Promise<ScanJob>
    scanIncidents(input?: Input<'scanIncidents'> & { wait?: true }, options?: CallOptions): Promise<Scan>
    /** Yields the job at each change, until it ends. */
    followScanJob(input: Input<'followScanJob'>, options?: CallOptions): AsyncGenerator<ScanJob, void>
  }

const TIMEOUT_MS = 10_000
const SLOW_TIMEOUT_MS = 10 * MINUTE_MS
const POLL_MS = 500

/** @throws TypeError when baseUrl is not an HTTP address, or the key is none */
export function createClient(options: ClientOptions): Client {
  const { timeoutMs = TIMEOUT_MS, slowTimeoutMs = SLOW_TIMEOUT_MS } = options
  const baseUrl = checkedUrl(options.baseUrl)
  const apiKey = checkedKey(options.apiKey)
  const headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }

  const request = (name: OperationName, input: object): Request => {
    const [method, path] = OPERATIONS[name]
    const { inPath, rest } = divided(path, input)
    const hasBody = method === 'post' || method === 'put'
    const params = { path: inPath, query: hasBody ? {} : rest }
    const url = createFinalURL(path, {
      baseUrl,
      params,
      querySerializer: createQuerySerializer(),
      pathSerializer: defaultPathSerializer,
    })
    const body = hasBody ? { body: JSON.stringify(rest) } : {}
    return new Request(url, {
      method: method.toUpperCase(),
      headers: { ...headers, accept: 'application/json, text/*, */*', ...(hasBody && JSON_TYPE) },
      ...body,
    })
  }

  /** Makes the call, with retries. */
  const call = <T>(
    name: OperationName,
    input: object,
    { signal, ...own }: CallOptions,
    attempt: (request: Request, limits: Limits) => Promise<T>,
  ): Promise<T> => {
    const [method, , kind] = OPERATIONS[name] as readonly [string, string, ('harmless' | 'slow')?]
    const limitMs = own.timeoutMs ?? (kind === 'slow' ? slowTimeoutMs : timeoutMs)
    const retry = { ...DEFAULT_RETRY, ...options.retry, ...own.retry }
    const isHarmless = method === 'get' || kind === 'harmless'
    const limits = { timeoutMs: limitMs, signal }
    return withRetries(() => attempt(request(name, input), limits), retry, isHarmless, signal)
  }
  const data = (name: OperationName, input: object = {}, own: CallOptions = {}) =>
    call(name, input, own, async (request, limits) => dataOf(await send(request, limits), apiKey))
  const text = (name: OperationName, input: object, own: CallOptions) =>
    call(name, input, own, async (request, limits) => textOf(await send(request, limits), apiKey))
  const stream = (name: OperationName, input: object, own: CallOptions) =>
    call(name, input, own, async (request, limits) => {
      const response = await open(request, limits)
      if (response.ok && response.body) return response.body
      throw await failureOf(response, apiKey)
    })
  const file =
    (name: FileName, usual: string) =>
    (input: { format?: string } = {}, own: CallOptions = {}) =>
      (input.format ?? usual) === 'json' ? data(name, input, own) : text(name, input, own)

  const follow = (name: 'followTrainingJob' | 'followBacktestJob' | 'followScanJob') =>
    async function* (input: { id: string }, own: CallOptions = {}) {
      const body = await stream(name, input, own)
      for await (const { data } of eventsOf(body)) yield JSON.parse(data) as unknown
    }
  async function* followIncidents(input: { last_event_id?: string } = {}, own: CallOptions = {}) {
    const connect = (id?: string) =>
      stream('followIncidents', id === undefined ? {} : { last_event_id: id }, own)
    yield* incidentEvents(connect, input.last_event_id, own.signal)
  }

  /** Polls the job until it ends, so that no connection has to stay open that long. */
  const trained = async (input: object, own: CallOptions): Promise<TrainResult> => {
    const patience = AbortSignal.timeout(own.timeoutMs ?? slowTimeoutMs)
    const begin = { ...own, timeoutMs }
    let job = (await data('train', { ...input, wait: false }, begin)) as TrainingJob
    while (job.state === 'running') {
      if (patience.aborted) throw stillTraining(job)
      await pause(POLL_MS, own.signal)
      job = (await data('getTrainingJob', { id: job.id }, begin)) as TrainingJob
    }
    if (job.result) return job.result
    const { code = 'INTERNAL_ERROR', message = 'The training run failed.' } = job.error ?? {}
    throw new MLServiceError(code, message, { details: job })
  }

  const plain = Object.keys(OPERATIONS).map((name) => [
    name,
    (input?: object, own?: CallOptions) => data(name as OperationName, input, own),
  ])
  return {
    ...Object.fromEntries(plain),
    exportTrainingData: file('exportTrainingData', 'csv'),
    exportRateLimits: file('exportRateLimits', 'json'),
    exportEndpointProfiles: file('exportEndpointProfiles', 'json'),
    streamTrainingData: (input: object = {}, own: CallOptions = {}) =>
      stream('exportTrainingData', input, own),
    train: (input: { wait?: boolean } = {}, own: CallOptions = {}) =>
      input.wait === false ? data('train', input, { timeoutMs, ...own }) : trained(input, own),
    followTrainingJob: follow('followTrainingJob'),
    followBacktestJob: follow('followBacktestJob'),
    followScanJob: follow('followScanJob'),
    followIncidents,
  } as Client
}

const JSON_TYPE = { 'content-type': 'application/json' }

function checkedUrl(baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined
  if (url && (url.username !== '' || url.password !== '')) {
    throw new TypeError('baseUrl contains a user or a password; remove them, and send a key with apiKey.')
  }
  if (url && /^https?:$/.test(url.protocol)) return baseUrl.replace(/\/+$/, '')
  throw new TypeError(
    `baseUrl is ${JSON.stringify(baseUrl)}; allowed is an address such as http://127.0.0.1:5000.`,
  )
}

/** Splits the input into path parameters and the rest. */
function divided(
  path: string,
  input: object,
): { inPath: Record<string, string>; rest: Record<string, unknown> } {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!)
  const entries = Object.entries(input).filter(([, value]) => value !== undefined)
  return {
    inPath: Object.fromEntries(entries.filter(([name]) => names.includes(name))),
    rest: Object.fromEntries(entries.filter(([name]) => !names.includes(name))),
  }
}

async function failureOf(response: Response, apiKey: string | undefined): Promise<unknown> {
  const answer = { response, text: await response.text() }
  try {
    return dataOf(answer, apiKey)
  } catch (error) {
    return error
  }
}

function stillTraining({ id }: TrainingJob): MLServiceError {
  const message = `The training run ${id} is still running. Follow it with getTrainingJob, or stop it with stopTrainingJob.`
  return new MLServiceError('TIMEOUT', message, { details: { job: id } })
}
