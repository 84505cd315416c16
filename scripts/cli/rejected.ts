import { TooManyRejectedError } from './errors.js'

/** @example percent(0.00123) // '0.123 %' */
export function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`
}

/** @param max the largest share of requests that may be rejected; any where it is left out */
export function assertFewRejected(share: number, max: number | undefined): void {
  if (max === undefined || share <= max) return
  throw new TooManyRejectedError(
    `${percent(share)} of the requests are rejected; allowed are ${percent(max)}.`,
  )
}
