/**
 * A dump is compressed with gzip. Inside are lines:
 *
 * - a head (JSON): the format, its version, and what was dumped
 * - for each table a line (JSON) with its columns, its rows in COPY's text format, a line with `\.`, which no row can be,
 *   and a line (JSON) with the number of rows
 * - an end (JSON) with the SHA-256 of all bytes before it
 */
export const FORMAT = 'aegis-ml dump'

/** Raised when a reader of the version before would misread the file. */
export const FORMAT_VERSION = 1

/** The end of the rows of a table. */
export const END_OF_ROWS = '\\.\n'

/** A line of JSON is far shorter than this. */
export const MAX_LINE_BYTES = 1024 * 1024

export interface DumpHead {
  readonly format: typeof FORMAT
  readonly format_version: number
  readonly service_version: string
  readonly server_version: string
  /** ISO-8601. */
  readonly created_at: string
  readonly migrations: readonly string[]
  readonly tables: readonly string[]
}

export interface TableHead {
  readonly table: string
  readonly columns: readonly string[]
}

export interface TableEnd {
  readonly rows: number
}

export interface DumpEnd {
  readonly sha256: string
}

/** The file is no dump, is damaged or incomplete, or of a newer release: exit code 65. */
export class DumpFileError extends Error {}

export const NO_DUMP = 'The file is no dump of AEGIS ML.'
