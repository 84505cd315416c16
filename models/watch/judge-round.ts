import type { CalendarEntry } from '../anomaly/calendar.js'
import type { LeastEffects } from '../anomaly/effects.js'
import type { ScoreRows } from '../anomaly/measure.js'
import { knowsTheDay, type AnomalyModel } from '../anomaly/model.js'
import { deploymentsOf, type Deployment } from '../incidents/deployment.js'
import type { Series, SeriesMinute } from '../incidents/series-minute.js'
import { localTimeOf } from '../seasonality/local-time.js'
import type { Detector } from '../stream/judge-report.js'
import { GATEWAY } from '../stream/stream-state.js'
import type { StreamVerdict } from '../stream/stream-verdict.js'
import { MINUTE_MS } from '../traffic/durations.js'
import { NO_REQUESTS, type EndpointMinute, type TrafficMinute } from './endpoint-minute.js'
import { isExplained, type DetailedMinute } from './explained.js'
import { judgeSeries, latenciesOf } from './judge-series.js'
import { beginEndpoint, learnEndpoint, newEndpointModel, type NewEndpoint } from './new-endpoint.js'
import { beginSeries, type SeriesState, type WatchStates } from './series-state.js'
import { endpointModel, OLD_DAYS, watchedGateway, type WatchModel } from './watch-model.js'

/** A finished minute of the whole gateway and of the endpoints that had requests in it. */
export interface Round {
  /** When the minute began, ms since 1970. */
  readonly timeMs: number
  readonly gateway: TrafficMinute
  readonly endpoints: readonly EndpointMinute[]
}

/** A watch model with everything that its verdicts depend on. */
export interface WatchDetector {
  readonly version: string
  readonly watch: WatchModel
  /** By the gateway's forest, and by that of the endpoints. */
  readonly scores: { readonly gateway: ScoreRows; readonly endpoints: ScoreRows }
  readonly effects: LeastEffects
  readonly calendar: readonly CalendarEntry[]
  /** Those of the last hours; left out where there are none. */
  readonly deployments?: readonly Deployment[]
}

export interface JudgedRound {
  readonly states: WatchStates
  /** Of the gateway first, then of the endpoints. */
  readonly minutes: readonly SeriesMinute[]
  /** What is worth keeping: the gateway, and the endpoints in alarm. */
  readonly notable: readonly NotableMinute[]
}

/** A judged minute with all that was measured, and the verdict. */
export interface NotableMinute {
  readonly minute: SeriesMinute
  readonly traffic: TrafficMinute
  readonly verdict: StreamVerdict
}

const WHOLE: Series = { kind: 'gateway', name: '' }

function deployedTo(series: Series, { deployments = [] }: WatchDetector): Pick<Detector, 'deployedMs'> {
  return deployments.length === 0 ? {} : { deployedMs: deploymentsOf(series, deployments, GATEWAY) }
}

/** What judges the gateway as a whole. */
export function gatewayDetector(detector: WatchDetector): Detector {
  const { watch, version, effects, calendar, scores } = detector
  return {
    effects,
    calendar,
    modelVersion: version,
    model: watchedGateway(watch.gateway),
    score: scores.gateway,
    ...deployedTo(WHOLE, detector),
  }
}

/** Endpoints that the model does not have and that are watched; of more, the newest are not. */
const MAX_NEW_ENDPOINTS = 200

/** A new endpoint without a request for so long is forgotten. */
const FORGOTTEN_MS = 24 * 60 * MINUTE_MS

/** Endpoints that are judged between two yields. */
export const SLICE = 25

/**
 * Judges a minute of the gateway and of all endpoints, by the same code as the reports of a source. An endpoint without
 * requests in this minute had none. One that the model does not have is learned first, see `learnEndpoint`. An alarm of
 * the gateway that its endpoints explain is none, see `isExplained`. Pure and deterministic.
 *
 * @yields after every {@link SLICE} endpoints, so that other work can be done in between
 */
export function* judgeRound(
  before: WatchStates,
  { timeMs, gateway, endpoints }: Round,
  detector: WatchDetector,
): Generator<undefined, JudgedRound> {
  const { watch, version, effects, calendar, scores } = detector
  const shared = { effects, calendar }
  const ofWhole = gatewayDetector(detector)
  const ofGateway = judgeSeries(before.gateway, WHOLE, gateway, timeMs, ofWhole)
  // What the gateway has got used to; not what it has an alarm for.
  const level =
    ofGateway.minute.alarm === null ? ofGateway.state.stream.baseline.level.requests_per_second : 0
  const minutes: SeriesMinute[] = []
  const notable: NotableMinute[] = []
  const parts: DetailedMinute[] = []
  const states = new Map<string, SeriesState>()
  const seen = new Map(endpoints.map((each) => [each.endpoint, each]))
  const rhythm = watch.rhythm[localTimeOf(watch.gateway.timeZone)(timeMs).minuteOfWeek]!
  let count = 0
  for (const endpoint of watchedEndpoints(before, watch, seen)) {
    const minute = seen.get(endpoint) ?? NO_REQUESTS
    const state = freshState(before.endpoints.get(endpoint), endpoint, minute, timeMs, rhythm, watch)
    const model = state && modelFor(watch, endpoint, state.fresh, timeMs)
    if (state && model) {
      // An endpoint that was fitted again since has another model.
      const modelVersion = `${version} ${model.days}`
      const series = { kind: 'endpoint', name: endpoint } as const
      const deployed = deployedTo(series, detector)
      const ofEndpoint: Detector = { ...shared, ...deployed, modelVersion, model, score: scores.endpoints }
      const { state: next, verdict, ...judged } = judgeSeries(state, series, minute, timeMs, ofEndpoint)
      const known = wasExplained(state, next)
      const isUsual = isUsualNow(judged.minute, level, known)
      const detailed =
        isUsual || isFewRequests(judged.minute) ? { ...judged, minute: quiet(judged.minute) } : judged
      states.set(endpoint, known || isUsual ? { ...next, isExplained: true } : next)
      minutes.push(detailed.minute)
      if (detailed.minute.alarm !== null) notable.push({ minute: detailed.minute, traffic: minute, verdict })
      parts.push(isNew(model, watch.gateway) ? leniently(detailed, model) : detailed)
    } else if (state) {
      states.set(endpoint, state)
      parts.push(asExpected(endpoint, minute, timeMs))
    }
    if (++count % SLICE === 0) yield
  }
  const isKnown = wasExplained(before.gateway, ofGateway.state)
  const explained = isExplained(ofGateway, parts) || (isKnown && minutes.every(({ alarm }) => alarm === null))
  const whole = explained ? quiet(ofGateway.minute) : ofGateway.minute
  const stateOfGateway = explained || isKnown ? { ...ofGateway.state, isExplained: true } : ofGateway.state
  return {
    states: { gateway: stateOfGateway, endpoints: states },
    minutes: [whole, ...minutes],
    notable: [{ minute: whole, traffic: gateway, verdict: ofGateway.verdict }, ...notable],
  }
}

function quiet(minute: SeriesMinute): SeriesMinute {
  return { ...minute, alarm: null }
}

/** A level of the gateway, as a logarithm of a ratio, that explains endpoints; and the share of a deviation that it leaves. */
const MIN_LEVEL = Math.log(1.25)
const MAX_LEFT = 0.5

/** An endpoint that is silent is not as usual, whatever it was before. */
const MAX_USUAL = Math.log(10)

/**
 * Whether an endpoint with an alarm has as much traffic as the gateway has of late, compared with what was learned. On a
 * holiday, the gateway has an alarm, gets used to it, and each endpoint is quiet too when its hours begin.
 *
 * @param level of the gateway's traffic, as a logarithm of a ratio
 * @param wasUsual whether an earlier minute of the episode was
 */
function isUsualNow({ alarm, requests, expected }: SeriesMinute, level: number, wasUsual: boolean): boolean {
  if (alarm?.type !== 'traffic_drop' && alarm?.type !== 'traffic_spike') return false
  const deviation = Math.log((requests + 0.5) / (expected.requests + 0.5))
  const isAlike =
    deviation * level > 0 && Math.abs(deviation) - Math.abs(level) <= MAX_LEFT * Math.abs(deviation)
  if (wasUsual) return Math.abs(deviation) <= MAX_USUAL
  return Math.abs(level) >= MIN_LEVEL && isAlike
}

/** Fewer requests in a minute are no flood, however rare they are usually. */
const MIN_FLOOD = 5

function isFewRequests({ alarm, requests }: SeriesMinute): boolean {
  return alarm?.type === 'traffic_spike' && requests < MIN_FLOOD
}

/** Whether the open episode of a series was explained in an earlier minute. That of the gateway stays so without other alarms. */
function wasExplained(before: SeriesState, { onsetMs }: SeriesState): boolean {
  return before.isExplained === true && onsetMs !== null && onsetMs === before.onsetMs
}

/** Whether the rhythm of an endpoint was learned from few days of a gateway that has more. */
function isNew({ days }: AnomalyModel, gateway: AnomalyModel): boolean {
  return days < OLD_DAYS && days < gateway.days - 1
}

/**
 * A minute of a new endpoint as a part of the gateway. It is judged leniently. While it has no alarm itself, its part
 * raises none of the gateway: it is expected to be as it is. Only the launch of an endpoint, whose traffic is not judged,
 * has to show in the gateway.
 */
function leniently(detailed: DetailedMinute, model: AnomalyModel): DetailedMinute {
  const { minute, latencies } = detailed
  if (minute.alarm !== null) return { ...detailed, isNew: true }
  const requests = knowsTheDay(model) ? minute.requests : minute.expected.requests
  const expected = { requests, failed: minute.failed, latencyMs: minute.latencyMs }
  return { latencies, expected: latencies, minute: { ...minute, expected }, isNew: true }
}

/** A minute of an endpoint that is not judged yet: it is expected to be as it is. */
function asExpected(name: string, minute: TrafficMinute, timeMs: number): DetailedMinute {
  const latencies = latenciesOf(minute)
  const seen = { requests: minute.requests, failed: minute.failed, latencyMs: latencies.avg }
  const series = { kind: 'endpoint', name } as const
  return {
    minute: { series, timeMs, seconds: 60, ...seen, expected: seen, alarm: null },
    latencies,
    expected: latencies,
    isNew: true,
  }
}

/** The endpoints of the model, then the new ones in the order in which they were seen. */
function watchedEndpoints(
  before: WatchStates,
  { endpoints }: WatchModel,
  seen: ReadonlyMap<string, EndpointMinute>,
): string[] {
  const fresh = new Set([...before.endpoints.keys(), ...seen.keys()].filter((name) => !endpoints.has(name)))
  return [...endpoints.keys(), ...[...fresh].slice(0, MAX_NEW_ENDPOINTS)]
}

/** The state that an endpoint is judged in; null when it is forgotten. */
function freshState(
  before: SeriesState | undefined,
  endpoint: string,
  minute: TrafficMinute,
  timeMs: number,
  rhythm: number,
  watch: WatchModel,
): SeriesState | null {
  const knowsDay = knowsTheDay(watch.gateway)
  if (watch.endpoints.has(endpoint)) {
    return before === undefined
      ? beginSeries(knowsDay)
      : before.fresh === null
        ? before
        : { ...before, fresh: null }
  }
  const state = before ?? beginSeries(knowsDay)
  const known = state.fresh ?? beginEndpoint(timeMs)
  const lastMs = minute.requests > 0 ? timeMs : known.lastMs
  if (timeMs - lastMs > FORGOTTEN_MS) return null
  const fresh = learnEndpoint({ ...known, lastMs }, minute, rhythm)
  return { ...state, fresh }
}

/** The models of endpoints are made once for each watch model, those of new ones for what was learned of them. */
const known = new WeakMap<WatchModel, Map<string, AnomalyModel>>()
const fresh = new WeakMap<NonNullable<NewEndpoint['levels']>, AnomalyModel>()

/** The model of an endpoint; null while too little is known of it. */
function modelFor(
  watch: WatchModel,
  endpoint: string,
  state: NewEndpoint | null,
  timeMs: number,
): AnomalyModel | null {
  const models = known.get(watch) ?? new Map<string, AnomalyModel>()
  known.set(watch, models)
  const ofModel = watch.endpoints.get(endpoint)
  if (ofModel !== undefined) {
    const model = models.get(endpoint) ?? endpointModel(watch, ofModel)
    models.set(endpoint, model)
    return model
  }
  if (state === null || state.levels === null) return null
  const { day } = localTimeOf(watch.gateway.timeZone)(timeMs)
  const model = fresh.get(state.levels) ?? endpointModel(watch, newEndpointModel(watch, endpoint, state, day))
  fresh.set(state.levels, model)
  return model
}
