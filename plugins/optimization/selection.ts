import type { EndpointCluster } from '../../models/clustering/endpoint-clusters.js'
import type { RecommendationState } from '../../db/own/recommendations.js'
import type { KnownEndpoint } from '../../models/optimizer/recommend.js'
import { GATEWAY } from '../../models/rate-limit/recommendation.js'
import { splitEndpoint } from '../../models/traffic/endpoint-name.js'
import { ServiceError } from '../http/errors.js'

export type EndpointState = KnownEndpoint['state']

/** Which endpoints an answer has; all of them, when nothing is said. */
export interface EndpointSelection {
  /** Requests in the training data. */
  readonly minRequests?: number | undefined
  /** 0…1 */
  readonly minConfidence?: number | undefined
  /** The state of the endpoint, or the status of its newest saved recommendation. */
  readonly status?: EndpointState | RecommendationState | undefined
  /** Of the path. The whole gateway has none. */
  readonly prefix?: string | undefined
  /** A page; all, when absent. */
  readonly limit?: number | undefined
  readonly offset?: number | undefined
}

/** What a selection looks at. */
interface Selectable {
  readonly endpoint: string
  readonly confidence: number
  readonly state: EndpointState | null
  readonly profile: { readonly totalRequests: number } | null
}

/** @param savedStatus of the newest saved recommendation of an endpoint; asked only for such a status */
export function matches(
  { minRequests = 0, minConfidence = 0, status, prefix = '' }: EndpointSelection,
  { endpoint, confidence, state, profile }: Selectable,
  savedStatus: (endpoint: string) => RecommendationState | undefined,
): boolean {
  const path = endpoint === GATEWAY ? '' : splitEndpoint(endpoint).path
  return (
    (profile?.totalRequests ?? 0) >= minRequests &&
    confidence >= minConfidence &&
    path.startsWith(prefix) &&
    (status === undefined || (isSavedStatus(status) ? savedStatus(endpoint) : state) === status)
  )
}

const SAVED: readonly string[] = ['pending', 'applied', 'rejected', 'expired']

/** Whether a status is one of saved recommendations. */
export function isSavedStatus(status: EndpointSelection['status']): status is RecommendationState {
  return status !== undefined && SAVED.includes(status)
}

/** The page of a list. */
export function pageOf<T>(all: readonly T[], { limit, offset = 0 }: EndpointSelection): T[] {
  return all.slice(offset, limit === undefined ? undefined : offset + limit)
}

/** The clusters of a page of endpoints; clusters without any are left out. */
export function pageOfClusters(
  clusters: readonly EndpointCluster[],
  selection: EndpointSelection,
): EndpointCluster[] {
  const inOrder = clusters.flatMap(({ name, endpoints }) => endpoints.map((endpoint) => ({ name, endpoint })))
  const page = pageOf(inOrder, selection)
  return clusters
    .map((each) => {
      return {
        ...each,
        endpoints: page.filter(({ name }) => name === each.name).map(({ endpoint }) => endpoint),
      }
    })
    .filter(({ endpoints }) => endpoints.length > 0)
}

/** Whether a selection leaves out any endpoint that matches nothing. */
export function hasSelection({ minRequests, minConfidence, status, prefix }: EndpointSelection): boolean {
  return [minRequests, minConfidence, status, prefix].some((value) => value !== undefined)
}

const UNLIMITED: readonly string[] = ['other', 'ignored', 'attack']

/** What to say where no endpoint is left. */
export function nothingMatches({
  minRequests,
  minConfidence,
  status,
  prefix,
  offset,
}: EndpointSelection): string {
  const names = { min_requests: minRequests, min_confidence: minConfidence, status, prefix, offset }
  const given = Object.entries(names)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${JSON.stringify(value)}`)
  const isUnlimited = status !== undefined && UNLIMITED.includes(status)
  const advice = isUnlimited
    ? `Endpoints in the state ${status} have no limit of their own. GET /endpoints?state=${status} lists them.`
    : 'Ask for less, or see what there is: POST /optimize/all.'
  return `No endpoint of the active model matches${given.length > 0 ? ` ${given.join(', ')}` : ''}. ${advice}`
}

/** @throws ServiceError NO_DATA where a selection has left nothing for a file */
export function assertMatch(selection: EndpointSelection): void {
  if (!hasSelection(selection) && selection.offset === undefined) return
  throw new ServiceError('NO_DATA', nothingMatches(selection))
}
