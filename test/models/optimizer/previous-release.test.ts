import { readFileSync } from 'node:fs'
import t from 'tap'
import { recommend } from '../../../models/optimizer/recommend.js'
import { rateOptimizerFromState } from '../../../models/optimizer/state.js'
import { decodeArtifact, encodeArtifact } from '../../../plugins/model-registry/artifact.js'
import { KINDS } from '../../../plugins/model-registry/kinds.js'
import { TIERS, tierNamed } from '../../../models/rate-limit/tiers.js'
import { toRecommendation } from '../../../routes/mappers/recommendation.js'

type Answer = ReturnType<typeof toRecommendation>

const read = (name: string) => readFileSync(`test/models/optimizer/golden/${name}.json`, 'utf8')
const artifact = decodeArtifact(read('artifact'), KINDS.optimizer)
const answers = JSON.parse(read('recommendations')) as Answer[]

/** What is answered today where the previous release gave that answer; it named a limit's endpoint as it was asked. */
function answerToday(optimizer: typeof artifact.model, before: Answer, isClient: boolean): Answer {
  const { tier } = tierNamed(TIERS, before.tier)
  const { endpoint, strategy, current_limit: currentLimit } = before
  const model = optimizer.byTemplate.get(endpoint) ?? optimizer.byMethod.get(endpoint) ?? null
  const scope = isClient ? 'client' : 'endpoint'
  const found = recommend({ endpoint, tier, strategy, scope, currentLimit, model })
  return toRecommendation({ ...found, state: 'named' })
}

/** What the previous release did not learn. */
const LEARNED_SINCE = {
  state: 'named',
  unit: 'requests',
  day_window: null,
  failures: null,
  distinct_paths: null,
  exceptions: [],
}

t.test('an artifact of the previous release gives the recommendations that it gave then', async (t) => {
  t.equal(artifact.version, '20260108T000000000Z')
  t.same([...artifact.model.byTemplate.keys()], ['/health', '/items/{id}'])
  t.ok(answers.some(({ long_window }) => long_window !== null) && answers.length > 20)
  for (const before of answers) {
    // The limit in force was only given where the limit of a client was asked for.
    const today = answerToday(artifact.model, before, before.current_limit !== null)
    const name = `${before.endpoint} ${before.tier} ${before.current_limit}`
    if (before.profile === null) {
      const { recommended_burst } = before // the limit follows the strategy since then
      t.match(today, { recommended_burst, profile: null }, name)
      continue
    }
    // It did not name the most frequent method of a path.
    t.type(today.profile?.method, 'string', name)
    const profile = { ...today.profile, method: before.profile.method }
    // It wrote "1 requests".
    const reasoning = before.reasoning.replace(/\b1 (requests|minutes|clients)\b/g, (text) =>
      text.slice(0, -1),
    )
    t.strictSame({ ...today, profile }, { ...before, ...LEARNED_SINCE, reasoning }, name)
  }
})

t.test('it is stored again with the names of today, and read back the same', async (t) => {
  const text = encodeArtifact(artifact, KINDS.optimizer)
  t.notMatch(text, /"\w+_requests_per_minute"|by_template/)
  t.strictSame(decodeArtifact(text, KINDS.optimizer), artifact)
})

t.test('a state of the previous release that is damaged is refused', async (t) => {
  for (const bad of [
    { by_template: [], requests: 1 },
    { requests: 1, by_template: [['/a', {}]], by_method: [] },
    {
      requests: 1,
      by_template: [['/a', { profile: {}, dailyP95: [], curve: [], client: null }]],
      by_method: [],
    },
    { requests: 1, by_template: ['/a'], by_method: [] },
  ]) {
    t.throws(() => rateOptimizerFromState(bad))
  }
})
