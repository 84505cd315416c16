export { createKernelEngine } from './kernel-engine.js'
export type { ScoringEngine } from './scoring-engine.js'
export { createTensorEngine, nativeTensorAvailable } from './tensor-engine.js'
