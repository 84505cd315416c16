import * as tf from '@tensorflow/tfjs-core'
import t from 'tap'
import { createTensorEngine, nativeTensorAvailable, referenceScores } from '../../../models/index.js'
import { describeFailure } from '../../../models/scoring/tensor-backend.js'
import { firstDifference, forests, hardRows } from './forests.js'

for (const { name, forest } of forests()) {
  t.test(`${name}: the tensor program scores as the reference does, bit for bit`, async (t) => {
    const rows = hardRows(forest, 300, 6)
    const expected = referenceScores(forest, rows)
    for (const backend of ['wasm', 'cpu'] as const) {
      const engine = await createTensorEngine(forest, { backends: [backend] })
      t.match(engine, { name: 'tensor', backend })
      for (const size of [0, 1, 2, backend === 'wasm' ? 300 : 60]) {
        const scores = engine.score(rows.subarray(0, size * forest.nFeatures))
        t.equal(firstDifference(scores, expected.subarray(0, size)), -1, `${backend}, ${size} rows`)
      }
      engine.dispose()
    }
  })
}

const { forest } = forests()[2]!

t.test('a batch of more than one chunk scores as the reference does', async (t) => {
  const engine = await createTensorEngine(forest, { backends: ['wasm'] })
  const rows = hardRows(forest, 5000, 6)
  t.equal(firstDifference(engine.score(rows), referenceScores(forest, rows)), -1)
  engine.dispose()
})

t.test('every tensor is disposed of, after errors too', async (t) => {
  const before = tf.memory().numTensors
  const engine = await createTensorEngine(forest, { backends: ['wasm'] })
  const held = tf.memory().numTensors
  t.equal(held - before, 5, 'the forest')
  engine.score(hardRows(forest, 3000, 6))
  t.throws(() => engine.score(Float64Array.of(1, 2, 3, 4, NaN)), {
    name: 'RangeError',
    message: 'samples[4] is NaN: every sample must be a number',
  })
  t.throws(() => engine.score(new Float64Array(7)), { name: 'RangeError' })
  t.equal(tf.memory().numTensors, held)
  engine.dispose()
  engine.dispose()
  t.equal(tf.memory().numTensors, before)
})

t.test('engines on different backends can be used in turn', async (t) => {
  const wasm = await createTensorEngine(forest, { backends: ['wasm'] })
  const cpu = await createTensorEngine(forest, { backends: ['cpu'] })
  const rows = hardRows(forest, 20, 9)
  const expected = referenceScores(forest, rows)
  for (const engine of [wasm, cpu, wasm]) {
    t.equal(firstDifference(engine.score(rows), expected), -1)
    t.equal(tf.getBackend(), engine.backend)
  }
  wasm.dispose()
  cpu.dispose()
})

t.test('the best backend there is is taken, and the reason says why', async (t) => {
  const engine = await createTensorEngine(forest)
  const native = await nativeTensorAvailable()
  t.equal(engine.backend, native ? 'tensorflow' : 'wasm')
  t.match(
    engine.reason,
    native ? 'tensorflow loads and scores' : /^@tensorflow\/tfjs-node .*, wasm loads and scores$/,
  )
  engine.dispose()
})

t.test('without any backend the error says so', async (t) => {
  await t.rejects(createTensorEngine(forest, { backends: [] }), {
    message: 'No TensorFlow.js backend can be used: .',
  })
})

t.test('a package that is absent is told from one that is broken', async (t) => {
  const absent = Object.assign(
    new Error("Cannot find package '@tensorflow/tfjs-node' imported from a file"),
    {
      code: 'ERR_MODULE_NOT_FOUND',
    },
  )
  const broken = Object.assign(new Error('libtensorflow.so.2: cannot open shared object file\nmore'), {
    code: 'ERR_DLOPEN_FAILED',
  })
  t.equal(describeFailure('tensorflow', absent), '@tensorflow/tfjs-node is not installed')
  t.equal(
    describeFailure('tensorflow', broken),
    '@tensorflow/tfjs-node cannot be used (libtensorflow.so.2: cannot open shared object file)',
  )
  t.equal(describeFailure('wasm', 'no memory'), 'the wasm backend cannot be used (no memory)')
})
