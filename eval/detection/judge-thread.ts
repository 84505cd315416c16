import { parentPort } from 'node:worker_threads'
import { UNFAMILIAR } from './gateways/index.js'
import { judgeRows } from './judge-rows.js'
import { judgeUnfamiliar, judgeWorld } from './judge-world.js'
import type { Task } from './pool.js'

parentPort?.on('message', ({ gateway, seed, rowSeconds }: Task) => {
  const judge = UNFAMILIAR.has(gateway) ? judgeUnfamiliar : judgeWorld
  parentPort?.postMessage(
    rowSeconds === undefined ? judge(gateway, seed) : judgeRows(gateway, seed, rowSeconds),
  )
})
