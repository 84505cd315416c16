import { createClient, type CallOptions, type Client, type ClientOptions } from './client.js'
import { MLServiceError } from './ml-service-error.js'
import type { Data, Input } from './operations.js'
import type { RetryOptions } from './retry.js'

export interface MLServiceConfig {
  /** ML_SERVICE_URL, or http://localhost:5000, when left out. */
  readonly baseUrl?: string | undefined
  /** How long an answer may take, in ms; 10,000. */
  readonly timeout?: number | undefined
  /** False: every call fails at once with SERVICE_DISABLED. ML_SERVICE_ENABLED, or true, when left out. */
  readonly enabled?: boolean | undefined
  readonly retry?: Partial<RetryOptions> | undefined
  readonly apiKey?: string | undefined
}

export type Metrics = Input<'detect'>
export type Verdict = Data<'detect'>

const DEFAULT_URL = 'http://localhost:5000'
const HEALTH_TIMEOUT_MS = 2_000

/** The service by the names that gateways know; each call resolves to the `data` of the envelope. */
export class MLServiceClient {
  readonly enabled: boolean
  readonly #client: Client

  /** @throws TypeError when baseUrl is none of HTTP */
  constructor(config: MLServiceConfig = {}) {
    const { timeout, retry, apiKey } = config
    this.enabled = config.enabled ?? environment('ML_SERVICE_ENABLED') !== 'false'
    const options: ClientOptions = { baseUrl: urlOf(config), timeoutMs: timeout, retry, apiKey }
    this.#client = createClient(options)
  }

  /** Every operation of the contract. */
  get api(): Client {
    if (this.enabled) return this.#client
    const message = 'The ML service is switched off: set enabled, or ML_SERVICE_ENABLED, to true.'
    throw new MLServiceError('SERVICE_DISABLED', message)
  }

  async checkHealth(options?: CallOptions) {
    return this.api.getHealth(undefined, options)
  }

  /** Whether the service answers, degraded or not; never throws. */
  async isServiceAvailable(): Promise<boolean> {
    try {
      const { status } = await this.api.getHealth(undefined, {
        timeoutMs: HEALTH_TIMEOUT_MS,
        retry: { attempts: 1 },
      })
      return status !== 'unhealthy'
    } catch {
      return false
    }
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

  /** Waits for the end of the run, ten minutes at most. */
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

  /** The text of a file; the rows with format json. */
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

/** The client that a process shares; a configuration makes it anew. */
export function getMLClient(config?: MLServiceConfig): MLServiceClient {
  if (config || !shared) shared = new MLServiceClient(config)
  return shared
}

/**
 * Makes the shared client and looks whether the service is there. It never throws: a gateway starts without the
 * service too, with a warning.
 *
 * @param warn told what is wrong; console.warn
 */
export async function initializeMLClient(
  config: MLServiceConfig = {},
  warn: (message: string) => void = console.warn,
): Promise<MLServiceClient> {
  const client = usable(config, warn)
  if (client.enabled && !(await client.isServiceAvailable())) {
    warn(`AEGIS ML does not answer at ${urlOf(config)}; the gateway goes on without it.`)
  }
  return client
}

function usable(config: MLServiceConfig, warn: (message: string) => void): MLServiceClient {
  try {
    return getMLClient(config)
  } catch (error) {
    warn(`AEGIS ML is switched off: ${(error as Error).message}`)
    return getMLClient({ ...config, baseUrl: DEFAULT_URL, enabled: false })
  }
}

function urlOf({ baseUrl }: MLServiceConfig): string {
  return baseUrl ?? (environment('ML_SERVICE_URL') || DEFAULT_URL)
}

function environment(name: string): string | undefined {
  return process.env[name]
}
