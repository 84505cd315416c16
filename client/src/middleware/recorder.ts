import { randomUUID } from 'node:crypto'
import type { Client } from '../client.js'
import type { Input } from '../operations.js'
import type { RecordedRequest } from './recorded-request.js'
import type { Log, ServiceLink } from './service-link.js'
import { isAway, isRefusedKey } from './service-link.js'

type Batch = Input<'ingestRequests'> & { readonly requests: RecordedRequest[] }

const BATCH = 1_000
const MAX_KEPT = 20_000
const PAUSE_MS = 5_000
const PURPOSE = 'Recording requests'

/**
 * Sends requests in batches, one at a time. While the service is away or refuses the key, it keeps up to 20,000 requests
 * and drops the rest.
 */
export class Recorder {
  #waiting: RecordedRequest[] = []
  /** Batches that were sent at least once and may have arrived. */
  #batches: Batch[] = []
  #batched = 0
  #dropped = 0
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<void> | undefined
  #current: AbortController | undefined

  constructor(
    private readonly api: () => Client,
    private readonly source: string,
    private readonly link: ServiceLink,
    private readonly log: Log,
  ) {}

  add(request: RecordedRequest): void {
    if (this.#waiting.length + this.#batched >= MAX_KEPT) {
      this.#dropped++
      return
    }
    this.#waiting.push(request)
    if (this.#waiting.length >= BATCH && this.#batches.length === 0) this.#send()
    else this.#timer ??= setTimeout(() => this.#send(), PAUSE_MS).unref()
  }

  /** Sends the remaining batches, each once and in parallel. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#current?.abort()
    await this.#sending
    clearTimeout(this.#timer)
    while (this.#waiting.length > 0) this.#cut()
    const last = this.#batches.splice(0).map(async (batch) => {
      if (!(await this.#deliver(batch, undefined))) this.#dropped += batch.requests.length
    })
    await Promise.all(last)
    this.#reportDropped()
  }

  #send(): void {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined
      clearTimeout(this.#timer)
      const left = this.#waiting.length + this.#batched
      this.#timer = left > 0 ? setTimeout(() => this.#send(), PAUSE_MS).unref() : undefined
    })
  }

  /** Sends batches until none is left or the service does not accept one. */
  async #sendAll(): Promise<void> {
    while (!this.link.rests && (this.#batches.length > 0 || this.#waiting.length > 0)) {
      if (this.#batches.length === 0) this.#cut()
      this.#current = new AbortController()
      if (!(await this.#deliver(this.#batches[0]!, this.#current.signal))) return
      this.#batched -= this.#batches.shift()!.requests.length
      this.#reportDropped()
    }
  }

  #cut(): void {
    const requests = this.#waiting.splice(0, BATCH)
    // The id is chosen once, so that a repeated batch adds nothing.
    this.#batches.push({ batch_id: randomUUID(), source: this.source, requests })
    this.#batched += requests.length
  }

  /** True if the batch is finished: accepted, or rejected permanently. */
  async #deliver(batch: Batch, signal: AbortSignal | undefined): Promise<boolean> {
    try {
      await this.api().ingestRequests(batch, { signal, retry: { attempts: 1 } })
      this.link.answered(PURPOSE)
      return true
    } catch (error) {
      if (signal?.aborted) return false
      this.link.failed(PURPOSE, error)
      if (isAway(error) || isRefusedKey(error)) return false
      this.#dropped += batch.requests.length
      return true
    }
  }

  #reportDropped(): void {
    if (this.#dropped === 0) return
    this.log.warn(`${this.#dropped} requests could not be recorded.`)
    this.#dropped = 0
  }
}
