import { syncBuiltinESMExports } from 'node:module'
import threads, { Worker } from 'node:worker_threads'

/** Loaded into the service by `--import`: SIGWINCH ends all of its workers, as running out of memory ends them. */
if (threads.isMainThread) {
  const running = new Set<Worker>()
  threads.Worker = class extends Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args)
      running.add(this)
      this.once('exit', () => running.delete(this))
    }
  }
  syncBuiltinESMExports()
  process.on('SIGWINCH', () => {
    for (const worker of running) void worker.terminate()
  })
}
