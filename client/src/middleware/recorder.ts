import { randomUUID } from 'node:crypto'
import type { Client } from '../client.js'
import type { Input } from '../operations.js'
import type { RecordedRequest } from './recorded-request.js'
import type { Log, ServiceLink } from './service-link.js'
import { isAway } from './service-link.js'

type Batch = Input<'ingestRequests'> & { readonly requests: RecordedRequest[] }

const BATCH = 1_000
const MOST_KEPT = 20_000
const PAUSE_MS = 5_000
const PURPOSE = 'Recording requests'

/** Sends requests in batches, one batch at a time; while the service is away it keeps some and drops the rest. */
export class Recorder {
  #waiting: RecordedRequest[] = []
  /** Batches that were begun and may have arrived. */
  #batches: Batch[] = []
  #batched = 0
  #dropped = 0
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<void> | undefined
  #current: AbortController | undefined

  constructor(
    private readonly api: () => Client,
    private readonly link: ServiceLink,
    private readonly log: Log,
  ) {}

  add(request: RecordedRequest): void {
    if (this.#waiting.length + this.#batched >= MOST_KEPT) {
      this.#dropped++
      return
    }
    this.#waiting.push(request)
    if (this.#waiting.length >= BATCH && this.#batches.length === 0) this.#send()
    else this.#timer ??= setTimeout(() => this.#send(), PAUSE_MS).unref()
  }

  /** Sends what is left, each batch once and all together. */
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
    this.#tellDropped()
  }

  #send(): void {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined
      clearTimeout(this.#timer)
      const left = this.#waiting.length + this.#batched
      this.#timer = left > 0 ? setTimeout(() => this.#send(), PAUSE_MS).unref() : undefined
    })
  }

  /** Until there is nothing left or the service has not taken a batch. */
  async #sendAll(): Promise<void> {
    while (this.#batches.length > 0 || this.#waiting.length > 0) {
      if (this.#batches.length === 0) this.#cut()
      this.#current = new AbortController()
      if (!(await this.#deliver(this.#batches[0]!, this.#current.signal))) return
      this.#batched -= this.#batches.shift()!.requests.length
      this.#tellDropped()
    }
  }

  #cut(): void {
    const requests = this.#waiting.splice(0, BATCH)
    // Chosen once: a batch that is sent again adds nothing.
    this.#batches.push({ batch_id: randomUUID(), requests })
    this.#batched += requests.length
  }

  /** Whether the batch is done with: taken, or refused for good. */
  async #deliver(batch: Batch, signal: AbortSignal | undefined): Promise<boolean> {
    try {
      await this.api().ingestRequests(batch, { signal, retry: { attempts: 1 } })
      this.link.answered(PURPOSE)
      return true
    } catch (error) {
      if (signal?.aborted) return false
      this.link.failed(PURPOSE, error)
      if (isAway(error)) return false
      this.#dropped += batch.requests.length
      return true
    }
  }

  #tellDropped(): void {
    if (this.#dropped === 0) return
    this.log.warn(`${this.#dropped} requests could not be recorded.`)
    this.#dropped = 0
  }
}
