import { MINUTE_MS } from '../../models/traffic/durations.js'
import type { Service } from '../service.js'

export const ago = (ms: number) => new Date(Date.now() - ms).toISOString()

export type Row = Record<string, unknown>

export const row = (changes: Row = {}): Row => ({
  timestamp: ago(MINUTE_MS),
  method: 'GET',
  path: '/users/7',
  status_code: 200,
  ...changes,
})

export const ingest = ({ post }: Service, batch_id: string, requests: unknown[]) =>
  post('/ingest/requests', { batch_id, requests })

export const ingestLines = ({ post }: Service, payload: string, query = '?batch_id=lines') =>
  post(`/ingest/requests${query}`, undefined, {
    payload,
    headers: { 'content-type': 'application/x-ndjson' },
  })

export const countOf = async ({ sql }: Service, table = 'request_logs') =>
  (await sql<{ count: number }[]>`select count(*)::int from ${sql(table)}`)[0]!.count

export const NOTHING = { accepted: 0, duplicate: true }
