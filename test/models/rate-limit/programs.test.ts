import t from 'tap'
import { recommendClientLimit } from '../../../models/rate-limit/clients/recommendation.js'
import { crowd, fit, steady, type Request } from './clients/crowd.js'
import { TIERS } from '../../../models/rate-limit/tiers.js'
import { profile } from './profiles.js'

const DAYS = 10
const people = crowd(400, DAYS)
const few = crowd(20, DAYS)
const without = fit(people)

/** So many a minute, around the clock. */
const api = (client: number, perMinute: number): Request[] => steady(client, 60 * perMinute, 0, 24 * DAYS)
/** For two hours, each so many days. */
const batch = (client: number, perMinute: number, everyDays: number): Request[] =>
  Array.from({ length: Math.ceil(DAYS / everyDays) }, (_, i) =>
    steady(client, 60 * perMinute, 2 + 24 * everyDays * i, 2),
  ).flat()
const ask = (fitted: ReturnType<typeof fit>) =>
  recommendClientLimit({
    ...{ endpoint: '/api', tier: TIERS.default, strategy: 'balanced', currentLimit: null },
    ...{ profile: profile(), fitted, burstAt: fitted.burstAt, runawayNames: [], programs: [] },
  })

t.test('programs that are left out beside a crowd are named, and lower the confidence', async (t) => {
  const worlds = {
    'steady API clients': [api(400, 20), api(401, 20), api(402, 20)].flat(),
    'nightly batches': [batch(400, 200, 1), batch(401, 150, 1)].flat(),
    'a weekly batch': batch(400, 300, 7),
  }
  for (const [name, programs] of Object.entries(worlds)) {
    const fitted = fit([...people, ...programs])
    const answer = ask(fitted)
    const leftOut = programs.length / (people.length + programs.length)
    t.equal(answer.limit, without.limit, name)
    t.ok(leftOut > 0.1 && Math.abs(fitted.leftOut - leftOut) < 1e-9, name)
    t.ok(Math.abs(answer.confidence - without.confidence * (1 - leftOut)) < 0.02, name)
    const said = new RegExp(
      `^${fitted.nRunaways} clients? that w.* left out made ${Number((100 * leftOut).toPrecision(3))} % of the requests: look at runaway_names`,
    )
    t.match(answer.warnings, [said], name)
    t.ok(answer.reasoning.includes(`busiest minute of any other has ${without.busiestMinute} `), name)
  }
})

t.test('where they made less than a tenth, nobody is bothered', async (t) => {
  const fitted = fit([...people, ...steady(400, 1200, 100, 2)])
  t.equal(fitted.nRunaways, 1)
  t.same(ask(fitted).warnings, [])
})

t.test('a few businesses alone are customers, however unlike', async (t) => {
  for (const rates of [
    [10, 10, 10, 10, 10, 10],
    [1, 2, 5, 10, 20, 60],
    [1, 1, 1, 1, 1, 60],
  ]) {
    const fitted = fit(rates.flatMap((rate, client) => api(client, rate)))
    t.ok(fitted.limit >= Math.max(...rates), `${rates} get ${fitted.limit}`)
    t.equal(fitted.leftOut, 0)
  }
  const beside = fit([...few, ...api(20, 20), ...api(21, 30)])
  t.ok(beside.limit >= 30)
  t.match(ask(beside).warnings.join(' '), /2 of the 22 clients stand far above .* count as customers/)
})

t.test('what comes once is no customer, be it most of the traffic of a few', async (t) => {
  const plain = fit(few)
  const stranger = fit([...few, ...steady(20, 60_000, 100, 1)])
  const known = fit([...few, ...steady(3, 60_000, 100, 1)])
  t.match(stranger, { limit: plain.limit, nRunaways: 1, nCustomers: 0 })
  t.match(known, { nRunaways: 1, nCustomers: 0 })
  t.ok(known.limit <= plain.limit)
})
