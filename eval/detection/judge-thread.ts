import { parentPort } from 'node:worker_threads'
import { judgeWorld } from './judge-world.js'
import type { Task } from './pool.js'

parentPort?.on('message', ({ gateway, seed }: Task) => parentPort?.postMessage(judgeWorld(gateway, seed)))
