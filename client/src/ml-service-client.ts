import { createClient, type CallOptions, type Client, type ClientOptions } from './client.js'
import { MLServiceError } from './ml-service-error.js'
import type { Data, Input } from './operations.js'
import type { RetryOptions } from './retry.js'

export interface MLServiceConfig {
  /** Address of the service. Default: ML_SERVICE_URL, or http://localhost:5000. */
  readonly baseUrl?: string | undefined
  /** Time limit of a call in milliseconds. Default: 10,000. */
  readonly timeout?: number | undefined
  /** If false, every call fails immediately with SERVICE_DISABLED. Default: ML_SERVICE_ENABLED, or true. */
  readonly enabled?: boolean | undefined
  readonly retry?: Partial<RetryOptions> | undefined
  /** Key of the service. Default: ML_SERVICE_API_KEY. */
  readonly apiKey?: string | undefined
}

export type Metrics = Input<'detect'>
export type Verdict = Data<'detect'>

const DEFAULT_URL = 'http://localhost:5000'
const HEALTH_TIMEOUT_MS = 2_000

/** A client with the method names that existing gateways use. Each call resolves to the `data` of the envelope. */
export class MLServiceClient {
  readonly enabled: boolean
  readonly #client: Client

  /** @throws TypeError when baseUrl is not an HTTP address, or the key is none */
  constructor(config: MLServiceConfig = {}) {
    const { timeout, retry, apiKey } = config
    this.enabled = config.enabled ?? environment('ML_SERVICE_ENABLED') !== 'false'
    const options: ClientOptions = { baseUrl: urlOf(config), timeoutMs: timeout, retry, apiKey }
    this.#client = createClient(options)
  }

  /** Every operation of the contract. */
  get api(): Client {
    if (this.enabled) return this.#client
    const message = 'The ML service is switched off. Set enabled, or ML_SERVICE_ENABLED, to true.'
    throw new MLServiceError('SERVICE_DISABLED', message)
  }

  async checkHealth(options?: CallOptions) {
    return this.api.getHealth(undefined, options)
  }

  /** True if the service answers, even if it is degraded, and accepts the key. Never throws. */
  async isServiceAvailable(): Promise<boolean> {
    return (await problemOf(this)) === null
  }

  async detectAnomaly(metrics: Metrics, options?: CallOptions) {
    return this.api.detect(metrics, options)
  }

  async detectBatch(
    metrics: readonly Metrics[],
    rest: Omit<Input<'detectBatch'>, 'metrics'> = {},
    options?: CallOptions,
  ) {
    return this.api.detectBatch({ ...rest, metrics: [...metrics] }, options)
  }

  async getTrend(source?: string, options?: CallOptions) {
    return this.api.getTrend(source === undefined ? {} : { source }, options)
  }

  async optimizeRateLimit(request: Input<'optimize'>, options?: CallOptions) {
    return this.api.optimize(request, options)
  }

  async optimizeAllEndpoints(request: Input<'optimizeAll'> = {}, options?: CallOptions) {
    return this.api.optimizeAll(request, options)
  }

  async getEndpointClusters(nClusters?: number, options?: CallOptions) {
    return this.api.getClusters(nClusters === undefined ? {} : { n_clusters: nClusters }, options)
  }

  /** Waits for the end of the training run, at most ten minutes. */
  async trainModels(request: Omit<Input<'train'>, 'wait'> = {}, options?: CallOptions) {
    return this.api.train(request, options)
  }

  async getTrainingStatus(options?: CallOptions) {
    return this.api.getTrainingStatus(undefined, options)
  }

  async trainOnSynthetic(options?: CallOptions) {
    return this.api.trainSynthetic(undefined, options)
  }

  async getModelInfo(options?: CallOptions) {
    return this.api.getModelInfo(undefined, options)
  }

  async loadModels(models?: Input<'loadModels'>['models'], options?: CallOptions) {
    return this.api.loadModels(models === undefined ? {} : { models }, options)
  }

  async resetModels(options?: CallOptions) {
    return this.api.resetModels(undefined, options)
  }

  /** Resolves to the text of a file, or to the rows with format json. */
  async exportTrainingData(request: Input<'exportTrainingData'> = {}, options?: CallOptions) {
    return this.api.exportTrainingData(request, options)
  }

  async exportEndpointProfiles(request: Input<'exportEndpointProfiles'> = {}, options?: CallOptions) {
    return this.api.exportEndpointProfiles(request, options)
  }

  async generateSyntheticData(request: Input<'generateSynthetic'> = {}, options?: CallOptions) {
    return this.api.generateSynthetic(request, options)
  }
}

let shared: MLServiceClient | undefined

/** The shared client of the process. A configuration replaces it. */
export function getMLClient(config?: MLServiceConfig): MLServiceClient {
  if (config || !shared) shared = new MLServiceClient(config)
  return shared
}

/**
 * Creates the shared client and checks that the service answers. Never throws: without the service, a gateway starts
 * with a warning.
 *
 * @param warn called with each warning. Default: console.warn
 */
export async function initializeMLClient(
  config: MLServiceConfig = {},
  warn: (message: string) => void = console.warn,
): Promise<MLServiceClient> {
  const client = usable(config, warn)
  const problem = client.enabled ? await problemOf(client) : null
  if (problem === 'key') {
    warn(
      'AEGIS ML does not accept the key, or needs one; the gateway continues without it. Set ML_SERVICE_API_KEY.',
    )
  } else if (problem !== null) {
    warn(`AEGIS ML does not answer at ${urlOf(config)}; the gateway continues without it.`)
  }
  return client
}

async function problemOf(client: MLServiceClient): Promise<'key' | 'away' | null> {
  try {
    const { status } = await client.checkHealth({ timeoutMs: HEALTH_TIMEOUT_MS, retry: { attempts: 1 } })
    return status === 'unhealthy' ? 'away' : null
  } catch (error) {
    const { code } = error as MLServiceError
    if (code === 'FORBIDDEN') return null // the key of a gateway may have the role detect alone
    return code === 'UNAUTHENTICATED' ? 'key' : 'away'
  }
}

function usable(config: MLServiceConfig, warn: (message: string) => void): MLServiceClient {
  try {
    return getMLClient(config)
  } catch (error) {
    warn(`AEGIS ML is switched off: ${(error as Error).message}`)
    return getMLClient({ ...config, baseUrl: DEFAULT_URL, apiKey: '', enabled: false })
  }
}

function urlOf({ baseUrl }: MLServiceConfig): string {
  return baseUrl ?? (environment('ML_SERVICE_URL') || DEFAULT_URL)
}

function environment(name: string): string | undefined {
  return process.env[name]
}
