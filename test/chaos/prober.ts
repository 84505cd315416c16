import { Agent, get } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { fileURLToPath } from 'node:url'

/** How long GET /health/live took, in ms, in order of length. */
export interface Probes {
  readonly count: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Probes without an answer of 200. */
  readonly failed: number
}

const PAUSE_MS = 20

/** Asks GET /health/live again and again, from a thread of its own: what this one does delays nothing. */
export function startProber(url: string): { stop(): Promise<Probes> } {
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: url })
  return {
    async stop() {
      const answer = new Promise<Probes>((resolve, reject) => {
        worker.once('message', resolve)
        worker.once('error', reject)
      })
      worker.postMessage('stop')
      const probes = await answer
      await worker.terminate()
      return probes
    },
  }
}

async function probe(url: string): Promise<void> {
  const agent = new Agent({ keepAlive: true })
  const times: number[] = []
  let failed = 0
  let isStopped = false
  parentPort!.once('message', () => (isStopped = true))
  while (!isStopped) {
    const since = performance.now()
    const isAlive = await new Promise<boolean>((resolve) => {
      get(`${url}/health/live`, { agent }, (response) => {
        response.resume().once('close', () => resolve(response.statusCode === 200))
      }).once('error', () => resolve(false))
    })
    if (!isAlive) failed++
    else times.push(performance.now() - since)
    await delay(PAUSE_MS)
  }
  agent.destroy()
  times.sort((a, b) => a - b)
  const p99Ms = times[Math.floor(0.99 * times.length)] ?? 0
  parentPort!.postMessage({ count: times.length, p99Ms, maxMs: times.at(-1) ?? 0, failed })
}

if (!isMainThread && typeof workerData === 'string') await probe(workerData)
