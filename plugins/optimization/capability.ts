import type { RateLimitFileFormat } from '../../formats/limit-files/limit-file.js'
import type { RateLimitList } from '../../formats/limit-files/limit-list.js'
import type { EndpointCluster } from '../../models/clustering/endpoint-clusters.js'
import type { EndpointProfile } from '../../models/rate-limit/endpoints/profile.js'
import type { WorkerJob, WorkerJobs } from '../worker-jobs.js'
import type { AnsweredRecommendation, StatedRecommendation } from './answer.js'
import type { BacktestOutcome } from './backtest.js'
import type { BacktestRequest, RateLimitChoice } from './plan.js'
import type { Recommendations } from './recommendations.js'
import type { EndpointSelection } from './selection.js'

/** What is done with recommendations beside answering them. */
export interface Extras {
  readonly backtest?: boolean | undefined
  readonly save?: boolean | undefined
}

export interface RateLimitRequest extends RateLimitChoice, Extras {
  /** None with scope gateway-client. */
  readonly endpoint?: string | undefined
  /** Requests a minute; that of rate_limit_rules, when absent. */
  readonly currentLimit?: number | undefined
}

export interface ListRequest extends RateLimitChoice, EndpointSelection {
  readonly byMethod?: boolean | undefined
}

export interface AllRateLimitsRequest extends ListRequest, Extras {}

/** Scope client, when absent: gateways count clients. */
export type RateLimitFileRequest = ListRequest

/** A page of what matches a selection. */
export interface Page<T> {
  readonly page: readonly T[]
  /** All that match. */
  readonly matching: readonly StatedRecommendation[]
}

/** Endpoints by traffic; a page of them, in the order of the clusters. */
export interface Clusters {
  readonly clusters: readonly EndpointCluster[]
  readonly total: number
}

export interface Optimization {
  readonly recommendations: Recommendations
  /** What to tell a caller about what was asked for, in sentences. */
  warningsOf(choice: RateLimitChoice): string[]
  /** Without a trained model, and for endpoints never seen, the defaults of the tier. */
  recommend(request: RateLimitRequest, signal: AbortSignal): Promise<AnsweredRecommendation>
  /** @throws ServiceError MODEL_NOT_TRAINED, as everything below */
  recommendAll(request: AllRateLimitsRequest, signal: AbortSignal): Promise<Page<AnsweredRecommendation>>
  clusters(nClusters: number, request: ListRequest): Promise<Clusters>
  /** The recommended limits as the text of a file for a gateway. @throws ServiceError NO_DATA when none matches */
  rateLimitFile(format: RateLimitFileFormat, request: RateLimitFileRequest): Promise<string>
  /** The same as data. */
  rateLimitList(request: RateLimitFileRequest): Promise<RateLimitList & { readonly total: number }>
  /** By endpoint, and how many match. */
  profiles(request: ListRequest): Promise<{ profiles: Map<string, EndpointProfile>; total: number }>
  /** The same as CSV. @throws ServiceError NO_DATA when none matches */
  profilesText(request: ListRequest): Promise<string>
  /** A sentence for the answer when nothing matches. */
  nothingMatches(selection: EndpointSelection): string
  /** Replays stored requests; the query ends with the signal. Without a trained model the request needs a limit. */
  backtest(request: BacktestRequest, signal: AbortSignal): Promise<BacktestOutcome>
  /** The same in the background. @param shown the request as the job shows it */
  beginBacktest(request: BacktestRequest, shown: object): Promise<WorkerJob<BacktestOutcome>>
  readonly backtestJobs: WorkerJobs<BacktestOutcome>
  /** Aborted when the service stops. */
  readonly closing: AbortSignal
  /** Ends what is under way. */
  close(): void
}
