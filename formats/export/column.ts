/** What the cells of a column hold: moments, whole numbers, numbers, text, or true and false. */
export type Kind = 'time' | 'integer' | 'number' | 'text' | 'boolean'

/** A column of exported data. */
export interface Column {
  readonly name: string
  readonly kind: Kind
}

/** A cell; null is "no value", which is not the same as an empty text or zero. Numbers are finite. */
export type Cell = Date | number | string | boolean | null
