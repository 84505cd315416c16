import type { Client, IncidentEvent } from '@aegis/ml-client'
import { formatIncident, type Paint } from './print.js'
import type { Arrival } from './receiver.js'
import type { SeenIncident } from './story.js'

interface ScreenOptions {
  readonly paint: Paint
  readonly say: (text: string) => void
  readonly secondsSinceStart: () => number
}

/** Shows what is new about incidents, and remembers it. */
export class Screen {
  readonly #options: ScreenOptions
  readonly #incidents = new Map<string, IncidentEvent['incident']>()
  readonly #arrivals: Arrival[] = []

  constructor(options: ScreenOptions) {
    this.#options = options
  }

  /** Follows the stream of incidents. @returns ends that */
  follow(client: Pick<Client, 'followIncidents'>): () => void {
    const closing = new AbortController()
    this.#follow(client, closing.signal).catch(() => undefined) // without it, the demo misses its incidents, and says so
    return () => closing.abort()
  }

  arrived(arrival: Arrival): void {
    this.#arrivals.push(arrival)
  }

  /** Whether each incident has ended, and its end was notified. */
  isSettled(): boolean {
    return this.incidents().every(({ hasEnded, notified }) => hasEnded && notified.includes('incident.ended'))
  }

  incidents(): SeenIncident[] {
    return [...this.#incidents.values()].map(
      ({ id, type, endpoints, started_at, ended_at, recommendation }) => ({
        ...{ id, type, startedMs: Date.parse(started_at), hasEnded: ended_at !== null },
        endpoints: endpoints.map(({ endpoint }) => endpoint),
        hasLimit: recommendation !== null,
        notified: this.#arrivals.filter(({ incident }) => incident === id).map((arrival) => arrival.type),
      }),
    )
  }

  async #follow(client: Pick<Client, 'followIncidents'>, signal: AbortSignal): Promise<void> {
    const { paint, say, secondsSinceStart } = this.#options
    for await (const { incident } of client.followIncidents({}, { signal })) {
      if (signal.aborted) return
      const before = this.#incidents.get(incident.id)
      this.#incidents.set(incident.id, incident)
      for (const line of formatIncident(incident, before, secondsSinceStart(), paint)) say(line)
    }
  }
}
