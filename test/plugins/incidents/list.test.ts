import t from 'tap'
import { testService } from '../../service.js'
import { anIncident, STARTED, store } from './an-incident.js'

interface Page {
  incidents: { id: string; started_at: string }[]
  next: string | null
}

const service = await testService(t)
const { sql } = service
const list = async (query: string): Promise<Page> =>
  (await service.get(`/incidents?${query}`)).body.data as unknown as Page
const idsOf = ({ incidents }: Page) => incidents.map(({ id }) => Number(id))

/** Twelve incidents, two of which begin at each of six minutes. */
await store(
  sql,
  Array.from({ length: 12 }, (_, i) =>
    anIncident({ number: i + 1, startedMs: STARTED + Math.floor(i / 2) * 60_000 }),
  ),
)

t.test('pages are the newest first, and stay as they are while new incidents arrive', async (t) => {
  const seen: number[] = []
  let next: string | null = ''
  for (let page = 0; next !== null; page++) {
    const found: Page = await list(`limit=5${next === '' ? '' : `&next=${next}`}`)
    seen.push(...idsOf(found))
    next = found.next
    await store(sql, [
      anIncident({ number: 100 + page, startedMs: STARTED + 3_600_000 }), // the newest of all
    ])
  }
  t.same(seen, [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1])
  t.equal((await list('limit=500')).next, null)
})

t.test('a page that begins where no page ends is refused', async (t) => {
  for (const next of ['vf85y5s6gm-6261710', 'zzzzzzzzzzz-1', `${(1e17).toString(36)}-1`]) {
    const refused = { status: 400, body: { code: 'INVALID_REQUEST', message: /^next is / } }
    t.match(await service.get(`/incidents?next=${next}`), refused)
    t.match(await service.get(`/deployments?next=${next}`), refused)
  }
  t.match(await service.get('/deployments?next=7fffffff-999999999999999999'), { status: 200 })
})

t.test('filters select by time, state, source, endpoint, type and severity', async (t) => {
  const startedMs = STARTED - 86_400_000
  const at = { startedMs, peak: { severity: 'low', timeMs: startedMs } } as const
  await store(sql, [
    anIncident({ ...at, number: 201, endedMs: startedMs + 600_000, severity: 'critical' }),
    anIncident({ ...at, number: 202, series: { kind: 'source', name: 'edge 1' }, endpoints: [] }),
    anIncident({
      ...at,
      number: 203,
      series: { kind: 'endpoint', name: 'GET /late' },
      endpoints: [],
      type: 'traffic_drop',
    }),
  ])
  const [ended, ofSource, ofEndpoint] = await sql<{ id: number }[]>`
    select id::int from aegis_ml_incidents where book_number > 200 order by book_number`
  const day = 'from=2026-03-01T12:00Z&to=2026-03-01T13:00Z'
  t.same(idsOf(await list(day)), [ofEndpoint!.id, ofSource!.id, ended!.id])
  t.same(idsOf(await list('to=2026-03-01T13:00:00%2B00:00&from=2026-03-01T12:15Z')), [
    ofEndpoint!.id,
    ofSource!.id,
  ])
  t.same(idsOf(await list(`${day}&state=resolved,acknowledged`)), [ended!.id])
  t.same(idsOf(await list(`${day}&state=open&state=acknowledged`)), [ofEndpoint!.id, ofSource!.id])
  t.same(idsOf(await list('source=edge%201')), [ofSource!.id])
  t.same(idsOf(await list(`${day}&source=default`)), [ofEndpoint!.id, ended!.id])
  t.same(idsOf(await list('endpoint=GET%20/late')), [ofEndpoint!.id])
  t.same(idsOf(await list('endpoint=/late')), [ofEndpoint!.id])
  t.same(idsOf(await list(`${day}&endpoint=/orders/{id}`)), [ended!.id])
  t.same(idsOf(await list('type=traffic_drop&severity=medium,high')), [ofEndpoint!.id])
  t.same(idsOf(await list('severity=critical')), [ended!.id])
  t.same(idsOf(await list(`endpoint=${encodeURIComponent(`' or true --`)}`)), [])
})

t.test('pages cover what is inserted, ended and marked meanwhile without a repeat', async (t) => {
  let writing = true
  const writer = (async () => {
    for (let i = 0; writing; i++) {
      await store(sql, [anIncident({ number: 1000 + i, startedMs: STARTED + 7_200_000 + i })])
      await store(sql, [
        anIncident({
          number: 1 + (i % 12),
          startedMs: STARTED + Math.floor((i % 12) / 2) * 60_000,
          severity: i % 2 ? 'low' : 'high',
        }),
      ])
    }
  })()
  for (let round = 0; round < 5; round++) {
    const seen: number[] = []
    let next: string | null = ''
    while (next !== null) {
      const page: Page = await list(
        `limit=3&to=2026-03-02T12:30Z&from=2026-03-02T12:00Z${next && `&next=${next}`}`,
      )
      seen.push(...idsOf(page))
      next = page.next
    }
    t.same(
      seen.filter((id) => id <= 12),
      [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1],
    )
    t.equal(new Set(seen).size, seen.length)
  }
  writing = false
  await writer
})
