import { Agent, get } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'

const EVERY_MS = 10

/** A thread that asks /health/live a hundred times a second. A message makes it post the latencies since the last one. */
const url = workerData as string
const agent = new Agent({ keepAlive: true })
let latencies: number[] = []

function ask(dueMs: number): Promise<void> {
  return new Promise((resolve) => {
    const note = () => {
      latencies.push(performance.now() - dueMs)
      resolve()
    }
    get(url, { agent }, (response) => response.resume().once('end', note)).once('error', note)
  })
}

parentPort!.on('message', () => {
  parentPort!.postMessage(latencies)
  latencies = []
})

for (let due = performance.now(); ; due += EVERY_MS) {
  await delay(Math.max(0, due - performance.now()))
  void ask(due)
}
