import type { Test } from 'tap'

/** What a gateway and its operator do with the service, in order. */
export const STEPS = ['ingest', 'train', 'optimize', 'apply', 'export'] as const
export type Step = (typeof STEPS)[number]

export const SCHEMAS = ['A', 'B', 'A with C', 'B with C'] as const
export const FIRST = ['gateway first', 'service first'] as const
export const SERVERS = ['PostgreSQL 15', 'PostgreSQL 18'] as const

const GATEWAY_TABLES = SERVERS.flatMap((server) =>
  SCHEMAS.flatMap((schema) => FIRST.map((first) => `${schema}, ${first}, ${server}`)),
)

/** The tables of docs/compatibility.md, by heading. Every cell is a test that has the name of the cell. */
export const MATRIX = {
  'Tables of the gateway': { rows: GATEWAY_TABLES, columns: STEPS },
  'Tiers of the gateway': {
    rows: ['auth', 'public', 'admin', 'internal'],
    columns: ['optimize', 'apply', 'current limit', 'export'],
  },
  'Traffic tables of other shapes': {
    rows: ['partitions by day', 'hypertable without our index', 'timestamps without time zone'],
    columns: STEPS,
  },
  'Database servers': {
    rows: [
      'embedded PostgreSQL 18',
      'PostgreSQL 15',
      'PgBouncer in session mode',
      'hostssl only',
      'hostssl only, verified certificate',
      'timeouts of the role',
    ],
    columns: STEPS,
  },
  'Traffic of another server': {
    rows: ['hot standby', 'SELECT-only role'],
    columns: ['train', 'optimize', 'export', 'ingest is refused'],
  },
  'Servers that take no writes': {
    rows: ['hot standby'],
    columns: ['health', 'detect', 'recommendations', 'train', 'ingest', 'apply', 'promotion'],
  },
  'Servers that are reported': {
    rows: ['PgBouncer in transaction mode', 'wrong name in the certificate'],
    columns: ['health'],
  },
} as const satisfies Record<string, { rows: readonly string[]; columns: readonly string[] }>

export type Title = keyof typeof MATRIX

export const cellName = (row: string, column: string) => `${row}: ${column}`

/** Runs the cells of one table, each as a test of its own, and knows which are left. */
export function cellsOf(title: Title) {
  const { rows, columns } = MATRIX[title]
  const left = new Set(rows.flatMap((row) => columns.map((column) => cellName(row, column))))
  return {
    /** @throws when the documents do not have the cell, or it has been run already */
    async cell(t: Test, row: string, column: string, work: (t: Test) => Promise<void>): Promise<void> {
      const name = cellName(row, column)
      if (!left.delete(name)) throw new Error(`${title} has no cell "${name}" that has not been run.`)
      await t.test(name, work)
    },
    /** The cells that are claimed and have not been run. */
    left: () => [...left],
  }
}
