import { eventsOf } from './event-stream.js'
import type { components } from './generated/contract.js'
import { pause } from './retry.js'

export type Incident = components['schemas']['Incident']

/** What happened to an incident. */
export interface IncidentEvent {
  /** To go on after this event: `followIncidents({ last_event_id })`. */
  readonly id: string
  readonly event: 'opened' | 'changed' | 'ended' | 'marked'
  /** The incident as it is now. */
  readonly incident: Incident
}

const EVENTS: readonly string[] = ['opened', 'changed', 'ended', 'marked']

/** Between a connection that breaks and the next one. */
const PAUSE_MS = 1_000

/**
 * Yields the events of a stream of incidents. After a connection that ends, the next one goes on where it was.
 * @param connect opens the stream after an event; fails when that is not possible in the end
 */
export async function* incidentEvents(
  connect: (lastEventId: string | undefined) => Promise<ReadableStream<Uint8Array>>,
  lastEventId: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<IncidentEvent, void> {
  let last = lastEventId
  for (;;) {
    const body = await connect(last)
    try {
      for await (const { id, event, data } of eventsOf(body)) {
        last = id ?? last
        if (id === undefined || event === undefined || !EVENTS.includes(event)) continue
        yield { id, event: event as IncidentEvent['event'], incident: JSON.parse(data) as Incident }
      }
    } catch (error) {
      if (signal?.aborted) throw error
    }
    await pause(PAUSE_MS, signal)
  }
}
