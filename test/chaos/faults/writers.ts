import type { Sql } from 'postgres'
import { post, put, remove, type JsonAnswer } from '../../e2e/process.js'
import type { Random } from '../../../models/statistics/random.js'
import { INCIDENTS } from './scene.js'

/** Writes of one kind, and what their answers promised. */
export interface Writer {
  readonly name: string
  /** Sends one write. @returns its answer; nothing is expected to throw but the connection */
  write(url: string, random: Random): Promise<JsonAnswer>
  /** What is not as it was promised, now that everything has calmed down. */
  check(sql: Sql): Promise<string[]>
}

const ROWS = 200

/** Batches that are sent again until they are acknowledged: each is there once and whole, or not at all. */
function ingestWriter(): Writer {
  const acknowledged = new Set<number>()
  const sent = new Set<number>()
  let waiting = 0
  // The same when it is sent again: else it would be another batch.
  let timestamp = ''
  return {
    name: 'ingested batches',
    async write(url) {
      const number = waiting
      if (!sent.has(number)) timestamp = new Date(Date.now() - 60_000).toISOString()
      sent.add(number)
      const request = { timestamp, method: 'GET', path: `/chaos/batch-${number}-x`, status_code: 200 }
      const batch = { batch_id: `batch ${number}`, requests: Array(ROWS).fill(request) as object[] }
      const answer = await post(`${url}/ingest/requests`, batch)
      if (answer.status === 202) {
        acknowledged.add(number)
        waiting++
      }
      return answer
    },
    async check(sql) {
      const found = await sql<{ path: string; count: number }[]>`
        select path, count(*)::int from request_logs where path like '/chaos/%' group by path`
      const counts = new Map(found.map(({ path, count }) => [Number(path.split('-')[1]), count]))
      return [
        ...[...counts]
          .filter(([, count]) => count !== ROWS)
          .map(([number, count]) => `batch ${number} has ${count} rows`),
        ...[...counts.keys()]
          .filter((number) => !sent.has(number))
          .map((number) => `batch ${number} was never sent`),
        ...[...acknowledged]
          .filter((number) => !counts.has(number))
          .map((number) => `batch ${number} is lost`),
      ]
    },
  }
}

/** Writes that each leave a row with a text of its own. */
function rowWriter(
  name: string,
  send: (url: string, text: string, random: Random) => Promise<JsonAnswer>,
  texts: (sql: Sql) => Promise<{ text: string; count: number }[]>,
  maxCopies = 1,
): Writer {
  const acknowledged = new Set<string>()
  let count = 0
  return {
    name,
    async write(url, random) {
      const text = `chaos ${++count}`
      const answer = await send(url, text, random)
      if (answer.status === 200) acknowledged.add(text)
      return answer
    },
    async check(sql) {
      const found = await texts(sql)
      const there = new Map(found.map(({ text, count }) => [text, count]))
      return [
        ...[...acknowledged].filter((text) => !there.has(text)).map((text) => `${name}: ${text} is lost`),
        ...found
          .filter(({ count }) => count > maxCopies)
          .map(({ text, count }) => `${name}: ${text} is there ${count} times`),
      ]
    },
  }
}

const comments = () =>
  rowWriter(
    'comments of incidents',
    (url, note, random) =>
      post(`${url}/incidents/${1 + random.integer(INCIDENTS)}/comment`, { by: 'ada', note }),
    (sql) =>
      sql`select note as text, count(*)::int from aegis_ml_incident_entries where note like 'chaos %' group by 1`,
  )

const deployments = () =>
  rowWriter(
    'deployments',
    (url, version) => post(`${url}/deployments`, { version }),
    (sql) => sql`select version as text, count(*)::int from aegis_ml_deployments group by 1`,
  )

/** Silences are made, and the one before last is deleted. */
function silences(): Writer {
  const kept = new Set<string>()
  const deleted = new Set<string>()
  const unsure = new Set<string>()
  const to = '2099-01-01T00:00:00Z'
  return {
    name: 'silences',
    async write(url) {
      const [oldest] = kept.size > 5 ? kept : []
      if (oldest === undefined) {
        const answer = await post(`${url}/silences`, { reason: 'chaos', endpoint: '/nowhere', to })
        if (answer.status === 200) kept.add(answer.body.data['id'] as string)
        return answer
      }
      kept.delete(oldest)
      unsure.add(oldest)
      const answer = await remove(`${url}/silences/${oldest}`)
      if (answer.status === 200) deleted.add(oldest)
      return answer
    },
    async check(sql) {
      const ids = new Set(
        (await sql<{ id: string }[]>`select id::text from aegis_ml_silences`).map(({ id }) => id),
      )
      return [
        ...[...kept].filter((id) => !ids.has(id)).map((id) => `silence ${id} is lost`),
        ...[...deleted].filter((id) => ids.has(id)).map((id) => `silence ${id} was deleted and is there`),
      ]
    },
  }
}

/** Recommendations are saved and applied: the rule of the gateway is there when the answer says so. */
function recommendations(): Writer {
  const applied = new Map<string, string>()
  let count = 0
  return {
    name: 'applied recommendations',
    async write(url) {
      const endpoint = `/chaos/limit-${++count}`
      const saved = await post(`${url}/optimize`, { endpoint, save: true })
      const id = saved.body.data?.['recommendation_id'] as string | undefined
      if (id === undefined) return saved
      const answer = await post(`${url}/optimize/recommendations/${id}/apply`, { applied_by: 'ada' })
      if (answer.status === 200) applied.set(id, endpoint)
      return answer
    },
    async check(sql) {
      const rows = await sql<{ id: string; status: string; pattern: string; rules: number }[]>`
        select id::text, status, endpoint_pattern as pattern, (select count(*)::int from rate_limit_rules rule
          where rule.endpoint_pattern = recommendation.endpoint_pattern) as rules
        from rate_limit_recommendations recommendation where endpoint_pattern like '/chaos/%'`
      const there = new Map(rows.map((row) => [row.id, row]))
      return [
        ...[...applied.keys()]
          .filter((id) => there.get(id)?.status !== 'applied')
          .map((id) => `recommendation ${id} is not applied`),
        ...rows
          .filter(({ status, rules }) => (status === 'applied' ? rules !== 1 : rules !== 0))
          .map(({ pattern, status, rules }) => `${pattern} is ${status} with ${rules} rules`),
      ]
    },
  }
}

/** One value that each write replaces. */
class LastValue {
  /** What the last acknowledged write said, and what others said that have no answer, or a failure. */
  #allowed = new Set<string | undefined>([undefined])

  acknowledge(value: string): void {
    this.#acknowledged = value
  }
  #acknowledged: string | undefined

  sent(value: string): void {
    this.#allowed.add(value)
  }

  /** @returns what is wrong with a value; from now on it is the one to be kept */
  check(value: string | undefined, what: string): string[] {
    const problems =
      this.#acknowledged === value || this.#allowed.has(value)
        ? []
        : [`${what}: it is ${value} instead of ${this.#acknowledged}`]
    this.#allowed = new Set()
    this.#acknowledged = value
    return problems
  }
}

function pathRules(): Writer {
  const last = new LastValue()
  let count = 0
  return {
    name: 'path rules',
    async write(url) {
      const pattern = `/chaos-${++count}`
      last.sent(pattern)
      const answer = await put(`${url}/endpoints/rules`, { rules: { ignore: [pattern] } })
      if (answer.status === 200) last.acknowledge(pattern)
      return answer
    },
    async check(sql) {
      const [row] = await sql<{ rules: { ignore: string[] } }[]>`select rules from aegis_ml_path_rules`
      return last.check(row?.rules.ignore[0], 'path rules')
    },
  }
}

/** Trainings, and now and then an older version is activated. */
function models(): Writer {
  const last = new LastValue()
  const acknowledged: string[] = []
  return {
    name: 'models',
    async write(url, random) {
      const older = random.uniform() < 0.3 ? acknowledged.at(-2) : undefined
      if (older !== undefined) {
        last.sent(older)
        const answer = await post(`${url}/model/activate`, { model: 'anomaly', version: older })
        if (answer.status === 200) last.acknowledge(older)
        return answer
      }
      last.sent(ANY)
      const answer = await post(`${url}/train/synthetic`)
      if (answer.status === 200) {
        const version = answer.body.data['version'] as string
        // While the database is down, a model is local to this replica, and another choice may win later.
        if (answer.body.warnings?.some((warning) => warning.includes('this replica'))) last.sent(version)
        else {
          acknowledged.push(version)
          last.acknowledge(version)
        }
      }
      return answer
    },
    async check(sql) {
      const rows = await sql<{ version: string; active: boolean }[]>`
        select models.version, active.version is not null as active
        from aegis_ml_models models left join aegis_ml_active_models active using (kind, version)
        where kind = 'anomaly_detector'`
      const stored = new Set(rows.map(({ version }) => version))
      const lost = acknowledged.slice(-KEPT_VERSIONS).filter((version) => !stored.has(version))
      const active = rows.find((row) => row.active)?.version
      const isKnown = active !== undefined && acknowledged.includes(active)
      return [
        ...lost.map((version) => `version ${version} is lost`),
        ...(isKnown
          ? last.check(active, 'active version')
          : last.check(active === undefined ? undefined : ANY, 'active version')),
      ]
    },
  }
}

/** A version that no answer has named. */
const ANY = 'a new version'
/** Older ones are removed. */
const KEPT_VERSIONS = 10

export const allWriters = (): Writer[] => [
  ...[ingestWriter(), comments(), deployments(), silences(), recommendations(), pathRules(), models()],
]
