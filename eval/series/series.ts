/** A labelled series of one figure, in order of time. */
export interface Series {
  readonly name: string
  /** Series of the same sort are compared together. */
  readonly set: string
  /** ms since 1970, ascending, without repetitions. */
  readonly timesMs: Float64Array
  /** 0 or more. */
  readonly values: Float64Array
  /** Incidents that people marked. */
  readonly windows: readonly Window[]
}

/** Rows of an incident: the first, and the one after the last. */
export interface Window {
  readonly from: number
  readonly to: number
}

/** Runs of labelled rows. */
export function windowsOf(isLabelled: (row: number) => boolean, nRows: number): Window[] {
  const windows: Window[] = []
  for (let row = 0; row < nRows; row++) {
    if (!isLabelled(row)) continue
    const from = row
    while (row < nRows && isLabelled(row)) row++
    windows.push({ from, to: row })
  }
  return windows
}
