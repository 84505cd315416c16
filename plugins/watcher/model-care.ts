import type { Log } from '../../db/log.js'
import { HOUR_MS, MINUTE_MS, DAY_MS } from '../../models/traffic/durations.js'
import { ServiceError } from '../http/errors.js'
import type { ModelRegistry } from '../model-registry.js'
import type { WatchModels } from '../watch-models.js'

export interface ModelCareOptions {
  readonly models: Pick<ModelRegistry, 'active'>
  readonly watchModels: Pick<WatchModels, 'current' | 'ofGateway' | 'sync' | 'fit' | 'refitYoung'>
  readonly log: Pick<Log, 'info' | 'warn'>
  readonly now: () => number
}

/** New endpoints are fitted so often. */
const REFIT_MS = 6 * HOUR_MS
/** All endpoints are fitted at least so often, also where nobody trains. */
const MAX_AGE_MS = DAY_MS
/** After a failure; twice as long after each further one. */
const RETRY_MS = MINUTE_MS
const MAX_RETRY_MS = HOUR_MS

/** Fits the endpoints when a new model of the gateway is active, and now and then; one fit at a time, beside the judging. */
export function createModelCare({ models, watchModels, log, now }: ModelCareOptions) {
  const closing = new AbortController()
  let fitting: Promise<void> | undefined
  let retry = { afterMs: -Infinity, pauseMs: RETRY_MS, version: '' }
  let lookedMs = -Infinity

  const isDue = (version: string): 'fit' | 'refitYoung' | null => {
    const current = watchModels.current()
    if (current === null || current.modelVersion !== version) return 'fit'
    if (now() - current.fitAt.getTime() > MAX_AGE_MS) return 'fit'
    // Where no endpoint is young, a look leaves the model as it is.
    const lastMs = Math.max(current.fittedAt.getTime(), lookedMs)
    return now() - lastMs > REFIT_MS ? 'refitYoung' : null
  }
  const care = async (version: string): Promise<void> => {
    await watchModels.sync()
    const due = isDue(version)
    if (due === null) return
    if (due === 'refitYoung') lookedMs = now()
    const loaded = await watchModels[due]({ signal: closing.signal })
    if (loaded === null) return
    log.info({ model: version, endpoints: loaded.endpoints }, 'the endpoints are fitted')
    retry = { afterMs: -Infinity, pauseMs: RETRY_MS, version }
  }
  return {
    /** Begins what is due. */
    look(): void {
      const version = models.active.anomaly?.version
      if (
        version === undefined ||
        watchModels.ofGateway() !== null ||
        fitting !== undefined ||
        closing.signal.aborted
      )
        return
      if (version === retry.version && now() < retry.afterMs) return
      fitting = care(version)
        .catch((error: unknown) => {
          if (closing.signal.aborted) return
          const pauseMs = version === retry.version ? Math.min(MAX_RETRY_MS, 2 * retry.pauseMs) : RETRY_MS
          retry = { afterMs: now() + pauseMs, pauseMs, version }
          if (error instanceof ServiceError)
            log.info({ reason: error.message }, 'the endpoints are not fitted')
          else log.warn({ err: error }, 'the endpoints could not be fitted')
        })
        .finally(() => (fitting = undefined))
    },
    async close(): Promise<void> {
      closing.abort(new ServiceError('SHUTTING_DOWN', 'The service is stopping.'))
      await fitting
    },
  }
}
