import fp from 'fastify-plugin'
import { Piscina } from 'piscina'
import type { BatchSettings, BatchTask, WorkerAnswer, WorkerRequest } from './batch-workers/task.js'
import { ServiceError } from './http/errors.js'
import { createSlots } from './workers/slots.js'

/** Answers large requests of POST /detect/batch in worker threads, so that no other request waits for them. */
export interface BatchWorkers {
  /**
   * Waits for a place among the requests whose bodies or answers are held in memory.
   * @returns what gives it back
   * @throws ServiceError BUSY
   */
  enter(signal: AbortSignal): Promise<() => void>
  /** Whether another request waits for a place. */
  readonly isAwaited: boolean
  /**
   * The answer of a worker thread to a request that has a place.
   * @param signal ends the waiting for a thread; work that has begun goes on
   * @throws ServiceError BUSY, and when the thread fails
   */
  answer(request: WorkerRequest, signal: AbortSignal): Promise<WorkerAnswer>
  close(): Promise<void>
}

export interface BatchWorkersOptions {
  /** Threads at most. */
  readonly count: number
  readonly settings: BatchSettings
  readonly activeModel: () => Pick<BatchTask, 'detector' | 'engine'>
  readonly onFailure: (error: unknown) => void
  /** The file of the thread; for tests, which have one that fails. */
  readonly file?: URL
}

declare module 'fastify' {
  interface FastifyInstance {
    batchWorkers: BatchWorkers
  }
}

/** Requests that have a place beside those that a thread works on: their bodies arrive, or their answers are read. */
const MAX_BESIDE = 3
const MAX_WAITING = 32
const MAX_WAIT_MS = 10_000

/** A batch takes about a second. */
const MAX_WORK_MS = 30_000
const MAX_IDLE_MS = 60_000

/** A batch of 10,000 rows needs less than half of it. */
const MAX_HEAP_MB = 256

/** A worker runs JavaScript: where this file is TypeScript (under tsx), the worker is taken from the build. */
const FILE = new URL(
  import.meta.url.endsWith('.ts') ? '../dist/batch-worker.js' : '../batch-worker.js',
  import.meta.url,
)

export function createBatchWorkers(options: BatchWorkersOptions): BatchWorkers {
  const { count, settings, activeModel, onFailure, file = FILE } = options
  const places = createSlots(count + MAX_BESIDE, MAX_WAITING, MAX_WAIT_MS)
  const turns = createSlots(count, count + MAX_BESIDE, MAX_WORK_MS)
  let threads: Piscina<BatchTask, WorkerAnswer> | undefined

  const startThreads = () =>
    new Piscina<BatchTask, WorkerAnswer>({
      filename: file.href,
      ...{ minThreads: 0, maxThreads: count, idleTimeout: MAX_IDLE_MS },
      atomics: 'disabled',
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
      workerData: settings,
    })
  const run = async (request: WorkerRequest): Promise<WorkerAnswer> => {
    threads ??= startThreads()
    try {
      const task = { request, ...activeModel() }
      return await threads.run(task, {
        transferList: [request.body.buffer as ArrayBuffer],
        signal: AbortSignal.timeout(MAX_WORK_MS),
      })
    } catch (error) {
      onFailure(error)
      throw busy('The worker thread of this batch has ended before its work.')
    }
  }
  return {
    async enter(signal) {
      const leave = await places.take(signal)
      if (leave === undefined) throw busy(`${count + MAX_BESIDE} large batches are being answered.`)
      return leave
    },
    get isAwaited() {
      return places.waiting > 0
    },
    async answer(request, signal) {
      const end = await turns.take(signal)
      if (end === undefined) throw busy('Other batches take longer than usual.')
      try {
        return await run(request)
      } finally {
        end()
      }
    },
    async close() {
      await threads?.destroy()
    },
  }
}

function busy(reason: string): ServiceError {
  return new ServiceError('BUSY', `${reason} Send this one again shortly, or fewer rows at a time.`)
}

/** `fastify.batchWorkers`. No thread runs before the first large batch, nor a minute after the last one. */
export default fp(
  async (app) => {
    const { models, log, config } = app
    const { logLevel, effects, calendar, workers: count } = config
    const batchWorkers = createBatchWorkers({
      count,
      settings: { logLevel, effects, calendar },
      activeModel() {
        const detector = models.active.anomaly
        if (detector === null) return { detector, engine: 'kernel' }
        const { version, trainedAt, training, model, engine } = detector
        return {
          detector: { version, trainedAt, training, model },
          engine: engine.name === 'kernel' ? 'kernel' : 'tensor',
        }
      },
      onFailure: (error) => log.error({ err: error }, 'a batch worker has failed'),
    })
    app.decorate('batchWorkers', batchWorkers)
    app.addHook('onClose', () => batchWorkers.close())
  },
  { name: 'batch-workers', dependencies: ['config', 'model-registry'] },
)
