import t from 'tap'
import { testDirectory } from '../postgres.js'
import { FAULTS } from './faults/faults.js'
import { runFaults } from './faults/run.js'
import { missingForFaults, setScene } from './faults/scene.js'

/** Kinds that the tests of test/e2e/ do not have. */
const KINDS = ['TCP cut in the midst of a COPY', 'disk full: database', 'workers killed']
const SHORT = FAULTS.filter(({ name }) => KINDS.includes(name))

t.test(
  'faults under writes: nothing acknowledged is lost, and the service goes on without a hand',
  { skip: await missingForFaults() },
  async (t) => {
    const scene = await setScene(t, await testDirectory(t))
    const rounds = await runFaults(scene, { seed: 1, count: SHORT.length, among: SHORT })
    t.equal(rounds.length, SHORT.length)
    for (const { fault, violations, acknowledged } of rounds) {
      t.same(violations, [], `${fault}: ${acknowledged} writes were acknowledged`)
    }
  },
)
