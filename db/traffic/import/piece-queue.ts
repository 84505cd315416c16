/** Some requests of a log. */
export interface LogPiece {
  /** COPY's text format, whole lines. */
  readonly text: string
  /** The times of the earliest and of the latest, ms since 1970. */
  readonly fromMs: number
  readonly toMs: number
  /** The hours that they lie in, since 1970; one may be there several times. */
  readonly hours: readonly number[]
}

/** Pieces that are looked at before they are taken. A piece that is not taken stays for the next caller. */
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

  /** Ends the source, even in the middle of a piece. */
  end(): void {
    void this.#source.return?.().catch(() => undefined)
  }

  #look(): Promise<IteratorResult<LogPiece>> {
    return (this.#next ??= this.#source.next())
  }
}
