import type { Sql } from 'postgres'
import { storeIncidents, type WrittenIncident } from '../../../db/own/incident-book.js'
import type { Incident } from '../../../models/incidents/incident.js'

export const STARTED = Date.parse('2026-03-02T12:04:00Z')

/** An incident of the book, with changes. */
export function anIncident(changes: Partial<Incident> = {}): Incident {
  const startedMs = changes.startedMs ?? STARTED
  return {
    number: 1,
    series: { kind: 'gateway', name: '' },
    type: 'latency_spike',
    severity: 'medium',
    peak: { severity: 'medium', timeMs: startedMs },
    startedMs,
    endedMs: null,
    explanation: 'Mean latency 182 ms (4 times the usual).',
    endpoints: [
      { endpoint: 'GET /orders/{id}', share: 0.9, startedMs, type: 'latency_spike' },
      { endpoint: 'POST /orders', share: 0.1, startedMs, type: 'latency_spike' },
    ],
    impact: { requests: 3600.4, failed: 12.5, slow: 2900, missing: 0, excess: 0 },
    ...changes,
  }
}

/** Stores incidents as a round of the watcher does. */
export function store(sql: Sql, incidents: readonly Incident[]): Promise<WrittenIncident[]> {
  return sql.begin((tx) => storeIncidents(tx, incidents)) as Promise<WrittenIncident[]>
}
