import fc from 'fast-check'

// Every run tries the same examples. TEST_SEED tries others.
fc.configureGlobal({ seed: Number(process.env['TEST_SEED'] ?? 1) })

export default fc
