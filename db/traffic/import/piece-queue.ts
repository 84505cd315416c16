import type { LogPiece } from '../import.js'

/** Pieces that are looked at before they are taken; one that is not taken waits for the next who asks. */
export class PieceQueue {
  readonly #source: AsyncIterator<LogPiece>
  #next: Promise<IteratorResult<LogPiece>> | undefined

  constructor(pieces: AsyncIterable<LogPiece>) {
    this.#source = pieces[Symbol.asyncIterator]()
  }

  /** The texts of the pieces up to the first that does not pass. */
  async *takeWhile(passes: (piece: LogPiece) => boolean): AsyncGenerator<string, void> {
    for (;;) {
      const { done, value } = await this.#look()
      if (done || !passes(value)) return
      this.#next = undefined
      yield value.text
    }
  }

  async isEmpty(): Promise<boolean> {
    return (await this.#look()).done === true
  }

  /** Lets the source go; it may be in the middle of something. */
  end(): void {
    void this.#source.return?.().catch(() => undefined)
  }

  #look(): Promise<IteratorResult<LogPiece>> {
    return (this.#next ??= this.#source.next())
  }
}
