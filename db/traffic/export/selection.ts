import type { ExportType } from '../../../formats/export/traffic-columns.js'
import type { TrafficTable } from '../table.js'

/** What is exported: a half-open range of a table of requests, put together by type and bucket. */
export interface TrafficSelection {
  readonly table: TrafficTable
  readonly type: ExportType
  readonly from: Date
  readonly to: Date
  /** Of no meaning for the types that have no buckets. */
  readonly bucketSeconds: number
}
