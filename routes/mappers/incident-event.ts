import type { FastifyInstance } from 'fastify'
import { toIncident } from './incident.js'

type Events = Awaited<ReturnType<FastifyInstance['incidents']['follow']>>
type IncidentEvent = Events extends AsyncGenerator<infer Event> ? Event : never

/** A comment, which readers skip. */
const HEARTBEAT = ': still here\n\n'

/** An event of the incidents as a server-sent event. */
export function incidentEventText(event: IncidentEvent): string {
  if (event.name === 'heartbeat') return HEARTBEAT
  const { name, revision } = event
  const data =
    event.name === 'ready'
      ? { revision }
      : { ...toIncident(event.incident), revision, what: event.kind ?? 'figures' }
  return `id: ${revision}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}
