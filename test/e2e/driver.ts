import { setTimeout as delay } from 'node:timers/promises'
import type { Random } from '../../models/statistics/random.js'
import { post, type JsonAnswer } from './process.js'
import type { Replica } from './replica.js'

/** What was asked for, and what the answers promised. */
export interface Journal {
  /** Versions whose training was answered with 200, in order. */
  acknowledged: string[]
  /** What was made active by the last acknowledged request. */
  active: string | null
  /** What requests since then, which got no answer or a failure, may have made active: a version, or a new one. */
  pending: string[]
  requests: number
  /** Those that failed. */
  refused: number
}

/** Trains and goes back to older versions on either replica, one request after the other, until the signal. */
export async function drive(
  replicas: readonly Replica[],
  journal: Journal,
  random: Random,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const { service } = replicas[random.integer(replicas.length)]!
    const old = random.uniform() < 0.3 ? journal.acknowledged.slice(-10)[0] : undefined
    const answer = await (
      old === undefined
        ? post(`${service.url}/train/synthetic`)
        : post(`${service.url}/model/activate`, { model: 'anomaly', version: old })
    ).catch(() => undefined) // the service was killed
    journal.requests++
    if (answer?.status === 200) enter(journal, answer, old)
    else {
      journal.refused++
      journal.pending.push(old ?? 'new')
      await delay(20)
    }
  }
}

function enter(journal: Journal, { body }: JsonAnswer, activated: string | undefined): void {
  const version = activated ?? (body.data['version'] as string)
  if (activated === undefined) journal.acknowledged.push(version)
  journal.active = version
  journal.pending = []
}
