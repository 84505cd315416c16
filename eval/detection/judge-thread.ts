import { parentPort } from 'node:worker_threads'
import { UNFAMILIAR } from './gateways/index.js'
import { judgeUnfamiliar, judgeWorld } from './judge-world.js'
import type { Task } from './pool.js'

parentPort?.on('message', ({ gateway, seed }: Task) => {
  const judge = UNFAMILIAR.has(gateway) ? judgeUnfamiliar : judgeWorld
  parentPort?.postMessage(judge(gateway, seed))
})
