import { Readable } from 'node:stream'
import { orAborted } from '../../db/or-aborted.js'
import { JsonBounds } from '../../formats/json/bounds.js'
import { bodyTooLarge, ServiceError } from './errors.js'
import { withinBounds } from './json-body.js'

/** A JSON body that is read in steps. What is not read stays with the sender. */
export class ArrivingBody {
  readonly #incoming: AsyncIterator<Buffer>
  readonly #bounds = new JsonBounds()
  readonly #chunks: Buffer[] = []
  #bytes = 0

  /** @param limit bytes */
  constructor(
    private readonly payload: Readable,
    private readonly limit: number,
  ) {
    // The connection stays open when the reading ends early: an answer is to follow.
    this.#incoming = payload.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>
  }

  /** Objects in what has arrived. */
  get objects(): number {
    return this.#bounds.objects
  }

  /**
   * Reads on until more than so many bytes have arrived.
   *
   * @returns whether the body has ended
   * @throws ServiceError BODY_TOO_LARGE; INVALID_REQUEST when it broke off or has too much of something; the reason of
   * the signal
   */
  async read(bytes: number, signal: AbortSignal): Promise<boolean> {
    while (this.#bytes <= bytes) {
      const { value: chunk, done } = await orAborted(this.#incoming.next().catch(brokenOff), signal)
      if (done === true) return true
      this.#bytes += chunk.length
      if (this.#bytes > this.limit) throw bodyTooLarge(this.limit)
      withinBounds(() => this.#bounds.push(chunk))
      this.#chunks.push(chunk)
    }
    return false
  }

  /** Lets the rest arrive unread, so that the sender gets to read the answer. */
  async discard(): Promise<void> {
    this.#chunks.length = 0
    await this.#incoming.return?.()
    this.payload.resume()
  }

  /** What has arrived, in memory of its own. */
  bytes(): Uint8Array {
    const whole = new Uint8Array(this.#bytes)
    let at = 0
    for (const chunk of this.#chunks) {
      whole.set(chunk, at)
      at += chunk.length
    }
    return whole
  }

  /** What has arrived, for a content type parser. */
  stream(): Readable {
    return Object.assign(Readable.from(this.#chunks), { receivedEncodedLength: this.#bytes })
  }
}

function brokenOff(cause: unknown): never {
  throw new ServiceError('INVALID_REQUEST', 'The body broke off before its end.', null, { cause })
}
