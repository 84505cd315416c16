import type { Sql } from 'postgres'
import type { WrittenIncident } from '../../db/own/incident-book.js'
import { readWatchProgress, type WatchProgress } from '../../db/own/watch-state.js'
import { newestReport, type WatchedMinute } from '../../db/own/watched-minutes.js'
import { recordRound } from '../../models/incidents/book.js'
import { describeIncident } from '../../models/incidents/describe.js'
import { NO_FEEDBACK, withoutMarked, withoutMuted } from '../../models/incidents/feedback.js'
import type { Incident } from '../../models/incidents/incident.js'
import type { SeriesMinute } from '../../models/incidents/series-minute.js'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../models/traffic/durations.js'
import type { Round } from '../../models/watch/judge-round.js'
import {
  afterLook,
  completeTo,
  hasStopped,
  isBehind,
  UNKNOWN_LATENESS,
  withLag,
  type Lateness,
  type LogLook,
} from '../../models/watch/lateness.js'
import {
  beginSilence,
  endedSilence,
  judgeSilence,
  silenceIncident,
  silentMinute,
  type Silence,
} from '../../models/watch/silence.js'
import type { Feedback } from '../feedback.js'
import type { Incidents } from '../incidents.js'
import type { WatchModels } from '../watch-models.js'
import { commitRound, type CommitOptions } from './commit.js'
import { Judging, type Judge } from './judging.js'
import type { WatchedLog } from './log.js'
import { quietMinute, sourceAlarms, watchedMinutes } from './minutes.js'
import { keepStates, keptStates } from './snapshot.js'

/** What is watched: the requests of the log, or the reports of sources alone. */
export interface WatchSituation {
  readonly mode: 'log' | 'reports' | 'waiting'
  /** What is missing; null when nothing is. */
  readonly reason: string | null
}

export interface WatchOptions {
  readonly sql: Sql
  readonly watchedLog: WatchedLog
  readonly watchModels: Pick<WatchModels, 'current' | 'ofGateway' | 'load'>
  readonly incidents: Pick<Incidents, 'store' | 'lastBookNumber' | 'takeOverMarks'>
  /** Puts what people are told into the queue, in the transaction of a round. */
  readonly announce: CommitOptions['announce']
  readonly feedback: Pick<Feedback, 'since'>
  /** Called when incidents were written, with the minute that was judged. */
  readonly onWritten: (written: readonly WrittenIncident[], timeMs: number) => void
  /** Whether the log is watched however long it has been silent. */
  readonly isAlways: boolean
  /** Waited for after the end of each minute. */
  readonly delayMs: number
  readonly now: () => number
}

/** At first, the newest minutes are judged. Those before are history, which `POST /incidents/scan` judges. */
const FIRST_MS = 15 * MINUTE_MS
/** A log is watched that has had rows lately, and goes on to be watched while it is silent for no longer than this. */
const LIVE_MS = 15 * MINUTE_MS
const STILL_LIVE_MS = DAY_MS
/** Sources are watched when one has reported lately. */
const REPORTING_MS = HOUR_MS
/** After a longer absence, it begins as at first. */
const MAX_ABSENCE_MS = DAY_MS
/** Minutes that are read at a time. */
const PIECE_MS = 60 * MINUTE_MS
const SNAPSHOT_MS = 10 * MINUTE_MS
/** Judged minutes are looked at again for rows that came later: for more than this share, and this number. */
const LATE_MS = 15 * MINUTE_MS
const LATE = { share: 0.02, requests: 3 }

const NO_MODEL = 'The endpoints are not fitted yet. That follows each training of the gateway.'
const NOTHING = 'The log has no new rows, and no source has reported.'

/**
 * Judges each finished minute once: the gateway, its endpoints and the sources that report. What it writes of a minute, it
 * writes whole, so that another replica can go on at any minute.
 */
export class Watch {
  readonly #options: WatchOptions
  /** Null before the first minute ever. */
  #progress: WatchProgress | null
  #lateness: Lateness
  /** What judges: the model before, while that of a new version is not fitted. */
  #loaded: Judge | null = null
  /** Null until it is needed. */
  #judging: Judging | null = null
  #snapshot = { atMs: -Infinity, model: '' }
  #silence: Silence | null = null
  /** What people said about alarms. */
  #muting: Awaited<ReturnType<Feedback['since']>> = { feedback: [], index: NO_FEEDBACK }
  /** Requests of the gateway in the last judged minutes. */
  readonly #judged = new Map<number, number>()

  private constructor(options: WatchOptions, progress: WatchProgress | null) {
    this.#options = options
    this.#progress = progress
    // When rows were last found is another matter for each replica.
    this.#lateness = { ...(progress?.lateness ?? UNKNOWN_LATENESS), newestMs: null, advancedMs: null }
  }

  /** Begins where the replica before has ended. */
  static async recall(options: WatchOptions): Promise<Watch> {
    return new Watch(options, await readWatchProgress(options.sql))
  }

  /**
   * Judges the minutes that are complete, in order of time. After an error, this one is of no use any more.
   * @throws OvertakenError when another replica judges
   */
  async step(signal: AbortSignal): Promise<WatchSituation> {
    const { watchedLog, now, sql } = this.#options
    const nowMs = now()
    const look = await watchedLog.look(nowMs, this.#lateness.newestMs)
    this.#lateness = afterLook(this.#lateness, look)
    const isLive = this.#isLive(nowMs)
    this.#loaded = isLive ? await this.#model() : null
    if (this.#loaded !== null) {
      await this.#watchLog(this.#loaded, look, signal)
      return { mode: 'log', reason: null }
    }
    this.#judging = null
    const reported = await newestReport(sql)
    if (reported === null || nowMs - reported.getTime() > REPORTING_MS) {
      return { mode: 'waiting', reason: isLive ? NO_MODEL : NOTHING }
    }
    await this.#watchReports(nowMs)
    return { mode: 'reports', reason: isLive ? NO_MODEL : null }
  }

  #isLive(nowMs: number): boolean {
    const { newestMs } = this.#lateness
    if (newestMs === null || this.#options.isAlways) return newestMs !== null
    return nowMs - newestMs <= (this.#progress === null ? LIVE_MS : STILL_LIVE_MS)
  }

  async #model(): Promise<Judge | null> {
    const { watchModels, sql } = this.#options
    const current = watchModels.current() ?? watchModels.ofGateway() ?? this.#loaded
    if (current !== null) return current
    const kept = await keptStates(sql)
    return kept && watchModels.load(kept.model)
  }

  async #watchLog(loaded: Judge, look: LogLook, signal: AbortSignal): Promise<void> {
    const { watchedLog, delayMs } = this.#options
    const completeMs = completeTo(this.#lateness, look.nowMs, delayMs)
    if (this.#progress !== null && this.#judging !== null && completeMs <= this.#progress.judgedToMs) return
    const newestMs = this.#lateness.newestMs!
    const sinceMs = Math.max(this.#progress?.judgedToMs ?? newestMs, newestMs - MAX_ABSENCE_MS)
    const rolledToMs = await watchedLog.refresh(look.nowMs, sinceMs - LATE_MS, signal)
    if (rolledToMs === null) return
    const toMs = Math.min(completeMs, rolledToMs)
    const progress = await this.#begin(Math.min(toMs, floorMinute(newestMs)))
    this.#judging ??= await Judging.before(progress.judgedToMs, loaded, this.#options, signal)
    const { usual } = this.#judging
    if (isOpen(progress.silence) && newestMs > progress.silence.startedMs) {
      const ended = endedSilence(progress.silence, look.oldestNewMs ?? look.nowMs)
      await this.#commit({ ...progress, silence: ended }, [ended])
    }
    const isMissingRows = isBehind(this.#lateness, completeMs, usual)
    await this.#judgeTo(isMissingRows ? Math.min(toMs, floorMinute(newestMs)) : toMs, loaded, signal)
    const isSilent = isOpen(this.#progress!.silence) || hasStopped(this.#lateness, look.nowMs, usual)
    if (isMissingRows && isSilent) await this.#hearSilence(newestMs, completeMs, loaded)
  }

  /** Where judging goes on; at first, and after a long absence, where it begins. */
  async #begin(toMs: number): Promise<WatchProgress> {
    const before = this.#progress
    if (before !== null && toMs - before.judgedToMs <= MAX_ABSENCE_MS) return before
    const count = before?.book.count ?? (await this.#options.incidents.lastBookNumber())
    // What was open then has ended unseen.
    const ended = (before?.book.open ?? []).map((each) => describeIncident(each, each.lastMs + MINUTE_MS))
    const judgedToMs = toMs - FIRST_MS
    this.#judging = null
    return this.#commit(
      { judgedToMs, book: { count, open: [] }, lateness: this.#lateness, silence: before?.silence ?? null },
      ended,
    )
  }

  async #judgeTo(toMs: number, loaded: Judge, signal: AbortSignal): Promise<void> {
    const { watchedLog } = this.#options
    const judging = this.#judging!
    while (this.#progress!.judgedToMs < toMs) {
      const fromMs = this.#progress!.judgedToMs
      await this.#hearPeople(fromMs)
      await judging.learnDeployments(fromMs, Math.min(toMs, fromMs + PIECE_MS))
      const pieceMs = Math.min(toMs, fromMs + PIECE_MS)
      const alarms = await sourceAlarms(this.#options.sql, fromMs, pieceMs, false)
      for await (const round of watchedLog.rounds(fromMs, pieceMs, signal)) {
        if (this.#isSilenced(round)) await this.#record(round.timeMs, [], [])
        else await this.#judge(round, judging, loaded, alarms.get(round.timeMs) ?? [], signal)
      }
      await this.#learnLateness(pieceMs)
    }
    await this.#keepStates(judging, loaded)
  }

  /** A minute of a silence that was an incident itself. */
  #isSilenced({ timeMs, gateway }: Round): boolean {
    const { silence } = this.#progress!
    if (silence === null || gateway.requests > 0) return false
    return timeMs >= floorMinute(silence.startedMs) && timeMs < (silence.endedMs ?? Infinity)
  }

  /** What people said of incidents, here and in the gateway's dashboards. */
  async #hearPeople(fromMs: number): Promise<void> {
    const { incidents, feedback, sql } = this.#options
    await incidents.takeOverMarks()
    this.#muting = await feedback.since(sql, new Date(fromMs))
  }

  async #judge(
    round: Round,
    judging: Judging,
    loaded: Judge,
    alarms: readonly SeriesMinute[],
    signal: AbortSignal,
  ): Promise<void> {
    const judged = await judging.judge(round, loaded, signal)
    await this.#record(round.timeMs, [...judged.minutes, ...alarms], watchedMinutes(judged))
    this.#judged.set(round.timeMs, round.gateway.requests)
  }

  /** Enters a minute into the book and writes what that changes. */
  async #record(
    timeMs: number,
    minutes: readonly SeriesMinute[],
    watched: readonly WatchedMinute[],
  ): Promise<void> {
    const progress = this.#progress!
    const { feedback, index } = this.#muting
    const known = withoutMarked(progress.book, feedback, timeMs)
    const { state: book, changes } = recordRound(known, withoutMuted(minutes, index))
    const { opened, updated, ended } = changes
    const judgedToMs = timeMs + MINUTE_MS
    const silence = isPast(progress.silence, judgedToMs) ? null : progress.silence
    const next = { judgedToMs, book, lateness: this.#lateness, silence }
    await this.#commit(next, [...opened, ...updated, ...ended], watched)
  }

  async #commit(
    progress: WatchProgress,
    changed: readonly Incident[],
    minutes: readonly WatchedMinute[] = [],
  ): Promise<WatchProgress> {
    const fromMs = this.#progress?.judgedToMs ?? null
    const written = await commitRound(this.#options, { fromMs, progress, incidents: changed, minutes })
    this.#progress = progress
    if (written.length > 0) this.#options.onWritten(written, progress.judgedToMs - MINUTE_MS)
    return progress
  }

  /** Judges the minutes without rows for now. If that is an alarm, the silence of the log is the incident. */
  async #hearSilence(sinceMs: number, completeMs: number, loaded: Judge): Promise<void> {
    const before = this.#silence
    const isSame = before?.sinceMs === sinceMs
    const from = isSame ? before : beginSilence(sinceMs, this.#judging!.states.gateway)
    this.#silence = judgeSilence(from, completeMs, loaded.detector)
    if (this.#silence.judgedToMs === from.judgedToMs && isSame) return
    const progress = this.#progress!
    const known = progress.silence?.startedMs === sinceMs ? progress.silence : null
    const silence = silenceIncident(this.#silence, known)
    if (silence === null) return
    await this.#hearPeople(this.#silence.judgedToMs - MINUTE_MS)
    const [minute] = withoutMuted([silentMinute(this.#silence)], this.#muting.index)
    if (minute!.alarm !== null) await this.#commit({ ...progress, silence }, [silence])
  }

  /** Rows that came after their minute was judged: from now on, there is more time. */
  async #learnLateness(toMs: number): Promise<void> {
    const fromMs = toMs - LATE_MS
    for (const timeMs of this.#judged.keys()) if (timeMs < fromMs) this.#judged.delete(timeMs)
    const requests = await this.#options.watchedLog.requests(fromMs, toMs)
    const nowMs = this.#options.now()
    for (const [timeMs, before] of this.#judged) {
      const more = (requests.get(timeMs) ?? 0) - before
      if (more < Math.max(LATE.requests, LATE.share * before)) continue
      this.#lateness = withLag(this.#lateness, nowMs, nowMs - timeMs - MINUTE_MS)
      this.#judged.set(timeMs, before + more)
    }
  }

  async #keepStates({ states }: Judging, { id: model }: Judge): Promise<void> {
    const atMs = this.#progress!.judgedToMs
    if (atMs - this.#snapshot.atMs < SNAPSHOT_MS && model === this.#snapshot.model) return
    await keepStates(this.#options.sql, { atMs, model, states })
    this.#snapshot = { atMs, model }
  }

  /** Without a log, the alarms of sources are all that there is. */
  async #watchReports(nowMs: number): Promise<void> {
    const toMs = floorMinute(nowMs - this.#options.delayMs)
    let progress = await this.#begin(toMs)
    await this.#hearPeople(progress.judgedToMs)
    const alarms = await sourceAlarms(this.#options.sql, progress.judgedToMs, toMs, true)
    while (progress.judgedToMs < toMs) {
      const timeMs = progress.judgedToMs
      const isQuiet = alarms.size === 0 && progress.book.open.length === 0
      if (isQuiet) await this.#record(toMs - MINUTE_MS, [], [])
      else {
        await this.#record(timeMs, [quietMinute(timeMs), ...(alarms.get(timeMs) ?? [])], [])
      }
      progress = this.#progress!
    }
  }
}

const floorMinute = (timeMs: number) => Math.floor(timeMs / MINUTE_MS) * MINUTE_MS

const isOpen = (silence: Incident | null): silence is Incident => silence?.endedMs === null

const isPast = (silence: Incident | null, judgedToMs: number) =>
  silence !== null && silence.endedMs !== null && silence.endedMs <= judgedToMs
