import type { Sql } from 'postgres'
import type { WrittenIncident } from '../../db/own/incident-book.js'
import { closedNumbers } from '../../db/own/incidents.js'
import { readSnapshotModel, readWatchProgress, type WatchProgress } from '../../db/own/watch-state.js'
import { hasReports, newestOfGateway, type WatchedMinute } from '../../db/own/watched-minutes.js'
import { withClosed } from '../../models/incidents/book-state.js'
import { recordRound } from '../../models/incidents/book.js'
import { describeIncident } from '../../models/incidents/describe.js'
import { NO_FEEDBACK, withoutMarked, withoutMuted } from '../../models/incidents/feedback.js'
import type { Incident } from '../../models/incidents/incident.js'
import type { SeriesMinute } from '../../models/incidents/series-minute.js'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../models/traffic/durations.js'
import type { JudgedRound, Round } from '../../models/watch/judge-round.js'
import {
  afterLook,
  completeTo,
  floorMinute,
  hasStopped,
  isBehind,
  UNKNOWN_LATENESS,
  type Lateness,
  type LogLook,
} from '../../models/watch/lateness.js'
import {
  beginSilence,
  endedSilence,
  isOpenSilence,
  isPastSilence,
  judgeSilence,
  silenceIncident,
  silentMinute,
  type Silence,
} from '../../models/watch/silence.js'
import type { Feedback } from '../feedback.js'
import type { Incidents } from '../incidents.js'
import type { WatchModels } from '../watch-models.js'
import { commitRound, type CommitOptions, type RoundChange } from './commit.js'
import { Judging, type Judge } from './judging.js'
import { LATE_MS, LateRows } from './late-rows.js'
import type { WatchedLog } from './log.js'
import { quietMinute, sourceAlarms, watchedMinutes, type SourceAlarm } from './minutes.js'
import { NO_MODEL, NOTHING, type WatchSituation } from './situation.js'
import { keepStates } from './snapshot.js'

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
  /** Called with each minute of the log, when it is stored. */
  readonly onRound?: (round: JudgedRound) => void
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
  #closed: ReadonlySet<number> = new Set()
  #muting: Awaited<ReturnType<Feedback['since']>> = { feedback: [], index: NO_FEEDBACK }
  readonly #lateRows = new LateRows()

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

  /** How far it is; null before the first minute. */
  get progress(): WatchProgress | null {
    return this.#progress
  }

  /**
   * Judges the minutes that are complete, in order of time. After an error, this one is of no use any more.
   * @throws OvertakenError when another replica judges
   */
  async step(signal: AbortSignal): Promise<WatchSituation> {
    const { watchedLog, now, sql } = this.#options
    const nowMs = now()
    const { silence } = this.#progress ?? { silence: null }
    const sinceMs = this.#lateness.newestMs ?? (isOpenSilence(silence) ? silence.startedMs : null)
    const look = await watchedLog.look(nowMs, sinceMs)
    this.#lateness = afterLook(this.#lateness, look)
    const isLive = this.#isLive(nowMs)
    this.#loaded = isLive ? await this.#model() : null
    if (this.#loaded !== null) {
      await this.#watchLog(this.#loaded, look, signal)
      return { mode: 'log', reason: null }
    }
    this.#judging = null
    const isWaiting = isLive && (await this.#wasWatched(nowMs))
    if (isWaiting || !(await hasReports(sql, new Date(nowMs - REPORTING_MS)))) {
      return { mode: 'waiting', reason: isLive ? NO_MODEL : NOTHING }
    }
    await this.#watchReports(nowMs, signal)
    return { mode: 'reports', reason: isLive ? NO_MODEL : null }
  }

  #isLive(nowMs: number): boolean {
    const { newestMs } = this.#lateness
    if (newestMs === null || this.#options.isAlways) return newestMs !== null
    return nowMs - newestMs <= (this.#progress === null ? LIVE_MS : STILL_LIVE_MS)
  }

  /** Whether the log was judged lately: its minutes are not left out while the model is loaded, or fitted again. */
  async #wasWatched(nowMs: number): Promise<boolean> {
    const judgedToMs = this.#progress?.judgedToMs ?? -Infinity
    const newest = await newestOfGateway(this.#options.sql)
    const isOfLog = newest !== undefined && judgedToMs - newest.at.getTime() <= LIVE_MS
    return isOfLog && nowMs - judgedToMs <= MAX_ABSENCE_MS
  }

  async #model(): Promise<Judge | null> {
    const { watchModels, sql } = this.#options
    const current = watchModels.current() ?? watchModels.ofGateway() ?? this.#loaded
    if (current !== null) return current
    const model = await readSnapshotModel(sql)
    return model === null ? null : watchModels.load(model)
  }

  async #watchLog(loaded: Judge, look: LogLook, signal: AbortSignal): Promise<void> {
    const completeMs = completeTo(this.#lateness, look.nowMs, this.#options.delayMs)
    if (this.#isJudged(completeMs)) return
    const newestMs = this.#lateness.newestMs!
    const newestMinuteMs = floorMinute(newestMs)
    let isMissingRows = isBehind(this.#lateness, completeMs, this.#judging?.usual ?? 0)
    await this.#endSilence(look)
    if (!this.#isJudged(isMissingRows ? Math.min(completeMs, newestMinuteMs) : completeMs)) {
      const sinceMs = Math.max(this.#progress?.judgedToMs ?? newestMs, newestMs - MAX_ABSENCE_MS)
      const rolledToMs = await this.#options.watchedLog.refresh(look.nowMs, sinceMs - LATE_MS, signal)
      if (rolledToMs === null) return
      const toMs = Math.min(completeMs, rolledToMs)
      const { judgedToMs } = await this.#begin(Math.min(toMs, newestMinuteMs))
      this.#judging ??= await Judging.before(judgedToMs, loaded, this.#options, signal)
      isMissingRows = isBehind(this.#lateness, completeMs, this.#judging.usual)
      await this.#judgeTo(isMissingRows ? Math.min(toMs, newestMinuteMs) : toMs, loaded, signal)
    }
    const isSilent =
      isOpenSilence(this.#progress!.silence) || hasStopped(this.#lateness, look.nowMs, this.#judging!.usual)
    if (isMissingRows && isSilent) await this.#hearSilence(newestMs, completeMs, loaded)
  }

  /** Whether all minutes before a time are judged, and what is known after them is known here. */
  #isJudged(toMs: number): boolean {
    return this.#progress !== null && this.#judging !== null && toMs <= this.#progress.judgedToMs
  }

  async #endSilence({ oldestNewMs, nowMs }: LogLook): Promise<void> {
    const progress = this.#progress
    if (progress === null || !isOpenSilence(progress.silence)) return
    if (this.#lateness.newestMs! <= progress.silence.startedMs) return
    const ended = endedSilence(progress.silence, oldestNewMs ?? nowMs)
    await this.#commit({ ...progress, silence: ended }, [ended])
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
      const pieceMs = Math.min(toMs, fromMs + PIECE_MS)
      await this.#hearPeople(fromMs)
      await judging.learnDeployments(fromMs, pieceMs)
      const alarms = await sourceAlarms(this.#options.sql, fromMs, pieceMs, false)
      for await (const round of watchedLog.rounds(fromMs, pieceMs, signal)) {
        const some = alarms.get(round.timeMs) ?? []
        if (this.#isSilenced(round)) await this.#record(round.timeMs, [], some)
        else await this.#judge(round, judging, loaded, some, signal)
      }
      this.#lateness = await this.#lateRows.learn(this.#lateness, watchedLog, pieceMs, this.#options.now())
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
    const open = this.#progress!.book.open.map(({ number }) => number)
    this.#closed = await closedNumbers(sql, open)
  }

  async #judge(
    round: Round,
    judging: Judging,
    loaded: Judge,
    alarms: readonly SourceAlarm[],
    signal: AbortSignal,
  ): Promise<void> {
    const judged = await judging.judge(round, loaded, signal)
    await this.#record(round.timeMs, judged.minutes, alarms, watchedMinutes(judged))
    this.#lateRows.add(round.timeMs, round.gateway.requests)
    this.#options.onRound?.(judged)
  }

  /** Enters a minute into the book and writes what that changes. */
  async #record(
    timeMs: number,
    minutes: readonly SeriesMinute[],
    alarms: readonly SourceAlarm[],
    watched: readonly WatchedMinute[] = [],
  ): Promise<void> {
    const progress = this.#progress!
    const { feedback, index } = this.#muting
    const known = withClosed(withoutMarked(progress.book, feedback, timeMs), this.#closed)
    const { state: book, changes } = recordRound(
      known,
      withoutMuted([...minutes, ...alarms.map(({ minute }) => minute)], index),
    )
    const { opened, updated, ended } = changes
    const judgedToMs = timeMs + MINUTE_MS
    const silence = isPastSilence(progress.silence, judgedToMs) ? null : progress.silence
    const next = { judgedToMs, book, lateness: this.#lateness, silence }
    const entered = alarms.map(({ place }) => place)
    await this.#commit(next, [...opened, ...updated, ...ended], { minutes: watched, entered })
  }

  async #commit(
    progress: WatchProgress,
    incidents: readonly Incident[],
    { minutes = [], entered = [] }: Partial<Pick<RoundChange, 'minutes' | 'entered'>> = {},
  ): Promise<WatchProgress> {
    const fromMs = this.#progress?.judgedToMs ?? null
    const written = await commitRound(this.#options, { fromMs, progress, incidents, minutes, entered })
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

  async #keepStates({ states }: Judging, { id: model }: Judge): Promise<void> {
    const atMs = this.#progress!.judgedToMs
    if (atMs - this.#snapshot.atMs < SNAPSHOT_MS && model === this.#snapshot.model) return
    await keepStates(this.#options.sql, { atMs, model, states })
    this.#snapshot = { atMs, model }
  }

  /** Without a log, the alarms of sources are all that there is. */
  async #watchReports(nowMs: number, signal: AbortSignal): Promise<void> {
    const toMs = floorMinute(nowMs - this.#options.delayMs)
    const { judgedToMs } = await this.#begin(toMs)
    await this.#hearPeople(judgedToMs)
    const alarms = await sourceAlarms(this.#options.sql, judgedToMs, toMs, true)
    while (this.#progress!.judgedToMs < toMs) {
      signal.throwIfAborted()
      const { judgedToMs: timeMs, book } = this.#progress!
      if (alarms.size === 0 && book.open.length === 0) await this.#record(toMs - MINUTE_MS, [], [])
      else await this.#record(timeMs, [quietMinute(timeMs)], alarms.get(timeMs) ?? [])
    }
  }
}
