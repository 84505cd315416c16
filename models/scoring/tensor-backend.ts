/** TensorFlow.js, as far as the tensor program uses it. */
export type TensorFlow = typeof import('@tensorflow/tfjs-core')

/** The TensorFlow.js backends that can run the tensor program, the fastest first. */
export type TensorBackend = 'tensorflow' | 'wasm' | 'cpu'
export const tensorBackends: readonly TensorBackend[] = ['tensorflow', 'wasm', 'cpu']

/** Optional and often absent, so its name is a value: the compiler must not look for it. */
const nativePackage: string = '@tensorflow/tfjs-node'

const packages: Readonly<Record<TensorBackend, () => Promise<unknown>>> = {
  tensorflow: () => import(nativePackage),
  wasm: () => import('@tensorflow/tfjs-backend-wasm'),
  cpu: () => import('@tensorflow/tfjs-backend-cpu'),
}

/** Loads TensorFlow.js itself, without any backend; nothing of it is loaded before. */
export async function loadTensorFlow(): Promise<TensorFlow> {
  const tf = await import('@tensorflow/tfjs-core')
  // Without its checks, and without its advice on the console to install another backend.
  tf.enableProdMode()
  return tf
}

/**
 * Loads a backend and makes it the current one.
 *
 * @throws whatever loading throws, and an Error when the backend does not start
 */
export async function startBackend(tf: TensorFlow, backend: TensorBackend): Promise<void> {
  await packages[backend]()
  if (!(await tf.setBackend(backend))) throw new Error('it does not start')
}

/** Why a backend is not used, in words for an operator. */
export function describeFailure(backend: TensorBackend, error: unknown): string {
  const name = backend === 'tensorflow' ? nativePackage : `the ${backend} backend`
  if (isNotFound(error)) return `${name} is not installed`
  const [firstLine] = (error instanceof Error ? error.message : String(error)).split('\n')
  return `${name} cannot be used (${firstLine})`
}

function isNotFound(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false
  const absent = error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND'
  return absent && error.message.includes(`'${nativePackage}'`)
}
