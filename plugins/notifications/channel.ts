import type { Notification } from './notification.js'
import type { Answer } from './post.js'

/** Somebody who is told of incidents. */
export interface Channel {
  readonly name: string
  readonly kind: 'alertmanager' | 'webhook'
  /** How often an incident that goes on is told again; null for never. */
  readonly repeatSeconds: number | null
  /**
   * Tells once.
   * @param earlier what it may have been told of the same incident, the newest first
   */
  send(
    notification: Notification,
    earlier: readonly Notification[],
    now: Date,
    signal: AbortSignal,
  ): Promise<Answer>
}
