import { parentPort } from 'node:worker_threads'
import { judgeRows } from './judge-rows.js'
import { judgeWorld } from './judge-world.js'
import type { Task } from './pool.js'

parentPort?.on('message', ({ gateway, seed, rowSeconds }: Task) =>
  parentPort?.postMessage(
    rowSeconds === undefined ? judgeWorld(gateway, seed) : judgeRows(gateway, seed, rowSeconds),
  ),
)
