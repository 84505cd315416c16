import type { Sql } from 'postgres'
import { inSlices, slices } from '../../db/in-slices.js'
import { deploymentsBetween } from '../../db/own/deployments.js'
import { RECENT_DEPLOYMENT_MS, type Deployment } from '../../models/incidents/deployment.js'
import { knowsTheDay } from '../../models/anomaly/model.js'
import { DAY_MS } from '../../models/traffic/durations.js'
import { NO_REQUESTS } from '../../models/watch/endpoint-minute.js'
import { judgeRound, type JudgedRound, type Round } from '../../models/watch/judge-round.js'
import { beginWatch, type WatchStates } from '../../models/watch/series-state.js'
import type { LoadedWatch } from '../watch-models.js'
import type { WatchedLog } from './log.js'
import { keptStates } from './snapshot.js'

/** States that are not stored are learned from this much of the log. */
const WARM_UP_MS = DAY_MS

/** What judges: a watch model, or the gateway's model alone. */
export type Judge = Pick<LoadedWatch, 'id' | 'detector'>

interface JudgingOptions {
  readonly sql: Sql
  readonly watchedLog: WatchedLog
}

/** What is known of all series before a minute. */
export class Judging {
  readonly #sql: Sql
  #states: WatchStates
  #usual: number | null = null
  #deployments: readonly Deployment[] = []

  private constructor(states: WatchStates, sql: Sql) {
    this.#states = states
    this.#sql = sql
  }

  /**
   * What is known before a minute: from the states that were stored last, or from the day before. Minutes since then are
   * judged again, without an effect.
   */
  static async before(
    timeMs: number,
    loaded: Judge,
    { sql, watchedLog }: JudgingOptions,
    signal: AbortSignal,
  ): Promise<Judging> {
    const kept = await keptStates(sql)
    const isRecent = kept !== null && kept.atMs <= timeMs && timeMs - kept.atMs < WARM_UP_MS
    const states = isRecent ? kept.states : beginWatch(knowsTheDay(loaded.detector.watch.gateway))
    const judging = new Judging(states, sql)
    const fromMs = isRecent ? kept.atMs : timeMs - WARM_UP_MS
    await judging.learnDeployments(fromMs, timeMs)
    let hasBegun = isRecent
    const letOthersRun = slices() // the rounds of a whole day may come at once
    for await (const round of watchedLog.rounds(fromMs, timeMs, signal)) {
      hasBegun ||= round.gateway.requests > 0 // the log may have begun within the day
      if (hasBegun) await judging.judge(round, loaded, signal)
      await letOthersRun()
    }
    judging.#usual ??= await judging.#expected(timeMs, loaded, signal)
    return judging
  }

  get states(): WatchStates {
    return this.#states
  }

  /** Requests that are expected of the gateway in a minute: in the last one that was judged, or in the first one to judge. */
  get usual(): number {
    return this.#usual ?? 0
  }

  /** Learns what was deployed in some minutes and in the hours before. */
  async learnDeployments(fromMs: number, toMs: number): Promise<void> {
    this.#deployments = await deploymentsBetween(this.#sql, fromMs - RECENT_DEPLOYMENT_MS, toMs)
  }

  async judge(round: Round, { detector }: Judge, signal: AbortSignal): Promise<JudgedRound> {
    const deployments = this.#deployments
    const judged = await inSlices(judgeRound(this.#states, round, { ...detector, deployments }), signal)
    this.#states = judged.states
    this.#usual = judged.minutes[0]!.expected.requests
    return judged
  }

  /** Requests that are expected of the gateway in a minute, whatever it has. */
  async #expected(timeMs: number, { detector }: Judge, signal: AbortSignal): Promise<number> {
    const round = { timeMs, gateway: NO_REQUESTS, endpoints: [] }
    const { minutes } = await inSlices(judgeRound(this.#states, round, detector), signal)
    return minutes[0]!.expected.requests
  }
}
