import type { Sql } from 'postgres'
import {
  applyRecommendation,
  findRecommendations,
  rejectRecommendation,
  saveRecommendations,
  type Decision,
  type NewRecommendation,
  type RecommendationFilter,
  type StoredRecommendation,
} from '../../db/own/recommendations.js'
import { ServiceError } from '../http/errors.js'
import { explainTableError } from '../http/table-errors.js'

/** Recommendations that are kept until somebody decides. */
export interface Recommendations {
  /** All or none of them. @returns their ids, in order */
  save(rows: readonly NewRecommendation[]): Promise<string[]>
  find(filter: RecommendationFilter): Promise<{ rows: StoredRecommendation[]; total: number }>
  /** Makes it the limit in force. */
  apply(id: string, appliedBy: string | null): Promise<StoredRecommendation>
  reject(id: string, reason: string | null): Promise<StoredRecommendation>
}

/** @param assertDatabase throws a ServiceError when the database is away */
export function createRecommendations(sql: Sql, assertDatabase: () => Promise<void>): Recommendations {
  const inTables = async <T>(work: () => Promise<T>): Promise<T> => {
    await assertDatabase()
    try {
      return await work()
    } catch (error) {
      const problem = "The gateway's tables of limits cannot be used"
      throw explainTableError(error, { code: 'GATEWAY_TABLE_UNUSABLE', problem })
    }
  }
  return {
    save: (rows) => inTables(() => saveRecommendations(sql, rows)),
    find: (filter) => inTables(() => findRecommendations(sql, filter)),
    apply: async (id, by) => decided(id, await inTables(() => applyRecommendation(sql, id, by))),
    reject: async (id, reason) => decided(id, await inTables(() => rejectRecommendation(sql, id, reason))),
  }
}

function decided(id: string, decision: Decision | undefined): StoredRecommendation {
  if (decision === undefined) {
    const message = `There is no recommendation ${id}. GET /optimize/recommendations lists them.`
    throw new ServiceError('RECOMMENDATION_NOT_FOUND', message)
  }
  const { row } = decision
  if (decision.decided) return row
  const message = `Recommendation ${id} is ${row.status}. Make a new one: POST /optimize with save true.`
  throw new ServiceError('RECOMMENDATION_CLOSED', message, { status: row.status })
}
