import type { Registry } from 'prom-client'
import { ANOMALY_TYPES, SEVERITIES } from '../../models/anomaly/verdict.js'
import type { AuditCounts } from '../audit.js'
import type { Load } from '../http/load.js'
import type { Attempt } from '../notifications/sender.js'
import type { IngestCounts } from '../ingest/counts.js'
import type { OwnWatch } from '../watcher.js'
import { register, registerTally, type Sample } from './counted.js'
import type { DatabaseLook } from './database-look.js'

/** The last look at the database. */
type Look = () => DatabaseLook | null

const NO_LABELS = {}

const one = (value: number): Sample[] => [{ labels: NO_LABELS, value }]

export function registerDatabase(registry: Registry, look: Look): void {
  register(registry, {
    name: 'aegis_ml_database_up',
    help: 'Whether the database answers: 1 or 0. own is that of the service; traffic is the one that has the request log, where that is another.',
    type: 'gauge',
    samples: () =>
      [...(look()?.isUp ?? [])].map(([database, isUp]) => ({ labels: { database }, value: isUp ? 1 : 0 })),
  })
  register(registry, {
    name: 'aegis_ml_database_pool_connections',
    help: 'Connections of the pool, by state.',
    type: 'gauge',
    samples() {
      const pool = look()?.pool
      if (!pool) return []
      return (['used', 'idle'] as const).map((state) => ({ labels: { state }, value: pool[state] }))
    },
  })
  register(registry, {
    name: 'aegis_ml_database_pool_max_connections',
    help: 'The most connections that the pool opens.',
    type: 'gauge',
    samples: () => one(look()?.pool.max ?? NaN),
  })
  register(registry, {
    name: 'aegis_ml_database_pool_waiting_statements',
    help: 'Statements that wait on a connection of the pool for those before them.',
    type: 'gauge',
    samples: () => one(look()?.pool.waiting ?? NaN),
  })
  register(registry, {
    name: 'aegis_ml_database_pool_wait_seconds',
    help: 'How long the simplest statement took through the pool at this scrape. One that is still not answered counts with the time so far.',
    type: 'gauge',
    samples: () => one(look()?.pool.waitSeconds ?? NaN),
  })
  register(registry, {
    name: 'aegis_ml_rollups_lag_seconds',
    help: 'How old the end of the rollups of the request log is. Absent without a request log.',
    type: 'gauge',
    samples() {
      const to = look()?.rolledUpTo?.getTime()
      return to === undefined ? [] : one(Math.max(0, (Date.now() - to) / 1000))
    },
  })
}

export function registerIncidents(registry: Registry, look: Look, lostMinutes: () => number): void {
  register(registry, {
    name: 'aegis_ml_open_incidents',
    help: 'Incidents that go on, by type, severity and state. The same on all replicas; absent while the database is away.',
    type: 'gauge',
    *samples() {
      const found = look()?.incidents ?? null
      if (found === null) return
      const counts = new Map(found.map((each) => [`${each.type} ${each.severity} ${each.state}`, each.count]))
      for (const type of ANOMALY_TYPES)
        for (const severity of SEVERITIES)
          for (const state of ['open', 'acknowledged']) {
            const value = counts.get(`${type} ${severity} ${state}`) ?? 0
            yield { labels: { type, severity, state }, value }
          }
    },
  })
  register(registry, {
    name: 'aegis_ml_unstored_verdicts_total',
    help: 'Verdicts on reports that were dropped instead of stored, because the database was away for too long.',
    type: 'counter',
    samples: () => one(lostMinutes()),
  })
}

/** @returns what counts an attempt */
export function registerNotifications(
  registry: Registry,
  channels: readonly string[],
  look: Look,
): (attempt: Attempt) => void {
  const count = registerTally(registry, {
    name: 'aegis_ml_notification_attempts_total',
    help: 'Attempts of this replica to send a notification, by receiver. refused: it is tried again. given_up: it is not.',
    labels: [
      { name: 'channel', values: channels },
      { name: 'outcome', values: ['accepted', 'refused', 'given_up'] },
    ],
  })
  const waiting = function* (figure: 'count' | 'seconds') {
    const found = look()?.notifications ?? null
    if (found === null) return
    for (const channel of channels) {
      yield { labels: { channel }, value: found.find((each) => each.channel === channel)?.[figure] ?? 0 }
    }
  }
  register(registry, {
    name: 'aegis_ml_notifications_waiting',
    help: 'Notifications that have not arrived yet, by receiver. The same on all replicas.',
    type: 'gauge',
    samples: () => waiting('count'),
  })
  register(registry, {
    name: 'aegis_ml_notifications_oldest_wait_seconds',
    help: 'How long the oldest of them has waited.',
    type: 'gauge',
    samples: () => waiting('seconds'),
  })
  return ({ channel, outcome }) => count(channel, outcome)
}

const STATES = ['watching', 'waiting', 'elsewhere', 'off'] as const

export function registerWatcher(registry: Registry, own: () => OwnWatch): void {
  register(registry, {
    name: 'aegis_ml_watcher_state',
    help: 'What the watcher of this replica does: 1 for the present state, 0 for the others. elsewhere: another replica watches.',
    type: 'gauge',
    samples() {
      const present = own().state
      return STATES.map((state) => ({ labels: { state }, value: state === present ? 1 : 0 }))
    },
  })
  register(registry, {
    name: 'aegis_ml_watcher_lease_held',
    help: 'Whether this replica is the one that watches: 1 or 0. The sum over all replicas is 1.',
    type: 'gauge',
    samples: () => one(own().isHolder ? 1 : 0),
  })
  register(registry, {
    name: 'aegis_ml_watcher_delay_seconds',
    help: 'How long after its end a minute is to be judged, as late rows may come until then.',
    type: 'gauge',
    samples: () => one(own().state === 'watching' ? own().delayMs / 1000 : NaN),
  })
  register(registry, {
    name: 'aegis_ml_watcher_lag_seconds',
    help: 'How old the end of the last judged minute is, on the replica that watches. Usual is up to a minute more than the delay.',
    type: 'gauge',
    samples() {
      const { state, judgedToMs } = own()
      const isKnown = state === 'watching' && judgedToMs !== null
      return isKnown ? one(Math.max(0, (Date.now() - judgedToMs) / 1000)) : []
    },
  })
}

export function registerIngest(registry: Registry, counts: () => IngestCounts): void {
  register(registry, {
    name: 'aegis_ml_ingested_requests_total',
    help: 'Requests of gateways that were stored.',
    type: 'counter',
    samples: () => one(counts().requests),
  })
  register(registry, {
    name: 'aegis_ml_ingest_batches_total',
    help: 'Batches by outcome. duplicate: the batch was stored before. refused: none of it was stored.',
    type: 'counter',
    samples: () =>
      Object.entries(counts().batches).map(([outcome, value]) => ({ labels: { outcome }, value })),
  })
  register(registry, {
    name: 'aegis_ml_ingest_refused_requests_total',
    help: 'Requests that were not stored while others of their batch were, by reason.',
    type: 'counter',
    samples: () => Object.entries(counts().refused).map(([reason, value]) => ({ labels: { reason }, value })),
  })
}

export function registerAudit(registry: Registry, counts: () => AuditCounts): void {
  register(registry, {
    name: 'aegis_ml_audit_entries_total',
    help: 'Entries of the audit log. unstored: the entry is in the log of the service alone.',
    type: 'counter',
    samples() {
      const { stored, unstored } = counts()
      return [
        { labels: { outcome: 'stored' }, value: stored },
        { labels: { outcome: 'unstored' }, value: unstored },
      ]
    },
  })
}

export function registerLoad(registry: Registry, load: Load): void {
  register(registry, {
    name: 'aegis_ml_http_connections',
    help: 'Open connections of callers.',
    type: 'gauge',
    samples: () => one(load.connections),
  })
  register(registry, {
    name: 'aegis_ml_http_closed_connections_total',
    help: 'Connections that were closed because there were too many, or because their readers were too slow.',
    type: 'counter',
    samples: () => one(load.closedConnections),
  })
  register(registry, {
    name: 'aegis_ml_http_requests_in_work',
    help: 'Requests whose work has begun and that have no answer yet.',
    type: 'gauge',
    samples: () => one(load.inWork),
  })
  register(registry, {
    name: 'aegis_ml_http_shed_requests_total',
    help: 'Requests that were refused with 503 because there were too many. Those of an overload are in no other metric.',
    type: 'counter',
    samples: () => one(load.refused),
  })
  register(registry, {
    name: 'aegis_ml_http_overloaded',
    help: 'Whether more requests arrive than this replica can serve: 1 or 0.',
    type: 'gauge',
    samples: () => one(load.isOverloaded ? 1 : 0),
  })
}

export function registerHealth(registry: Registry, problems: () => ReadonlyMap<string, number>): void {
  register(registry, {
    name: 'aegis_ml_health_problems',
    help: 'Problems that GET /health tells of, by the part of the service that has them.',
    type: 'gauge',
    samples: () => [...problems()].map(([part, value]) => ({ labels: { part }, value })),
  })
}
