import type { Sql } from 'postgres'
import {
  applyRecommendation,
  findRecommendations,
  newestStatuses,
  rejectRecommendation,
  saveRecommendations,
  type Decision,
  type NewRecommendation,
  type RecommendationFilter,
  type RecommendationState,
} from '../../db/own/recommendations.js'
import { ServiceError } from '../http/errors.js'
import { explainTableError } from '../http/table-errors.js'
import { fromRow, type KeptRecommendation } from './table-row.js'

/** Recommendations that are kept until somebody decides. */
export interface Recommendations {
  /** Saves all or none of them. @returns their ids, in order */
  save(rows: readonly NewRecommendation[]): Promise<string[]>
  find(filter: RecommendationFilter): Promise<{ recommendations: KeptRecommendation[]; total: number }>
  /** The status of the newest recommendation of each endpoint, for a tier. */
  newestStatuses(tier: string): Promise<ReadonlyMap<string, RecommendationState>>
  /** Makes a recommendation the limit in force. @returns it, and what to tell the caller beside it */
  apply(
    id: string,
    appliedBy: string | null,
  ): Promise<{ recommendation: KeptRecommendation; warnings: string[] }>
  reject(id: string, reason: string | null): Promise<KeptRecommendation>
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
    find: async (filter) => {
      const { rows, total } = await inTables(() => findRecommendations(sql, filter))
      return { recommendations: rows.map(fromRow), total }
    },
    newestStatuses: (tier) => inTables(() => newestStatuses(sql, tier)),
    apply: async (id, by) => {
      const decision = await inTables(() => applyRecommendation(sql, id, by))
      return { recommendation: decided(id, decision), warnings: replacementWarnings(decision) }
    },
    reject: async (id, reason) => decided(id, await inTables(() => rejectRecommendation(sql, id, reason))),
  }
}

function replacementWarnings(decision: Decision | undefined): string[] {
  if (!decision || decision.replacedTier === null) return []
  const { replacedTier, row } = decision
  const text = `rate_limit_rules has one rule for each pattern: the rule of the tier ${replacedTier} for ${row.endpoint} was replaced.`
  return [text]
}

function decided(id: string, decision: Decision | undefined): KeptRecommendation {
  if (decision === undefined) {
    const message = `There is no recommendation ${id}. GET /optimize/recommendations lists them.`
    throw new ServiceError('RECOMMENDATION_NOT_FOUND', message)
  }
  const { row } = decision
  if (decision.decided) return fromRow(row)
  const message = `Recommendation ${id} is ${row.status}. Make a new one: POST /optimize with save true.`
  throw new ServiceError('RECOMMENDATION_CLOSED', message, { status: row.status })
}
