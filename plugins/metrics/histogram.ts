/** Observations of seconds, counted by class. What observes pays for no labels. */
export class Histogram {
  /** One class more than there are bounds. */
  readonly classes: Float64Array
  /** Of all observations. */
  sum = 0

  /** @param bounds upper bounds of the classes in ascending order, in seconds */
  constructor(readonly bounds: readonly number[]) {
    this.classes = new Float64Array(bounds.length + 1)
  }

  observe(seconds: number): void {
    const { bounds } = this
    let place = 0
    while (place < bounds.length && seconds > bounds[place]!) place++
    this.classes[place]!++
    this.sum += seconds
  }
}
