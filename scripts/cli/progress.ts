import { SingleBar } from 'cli-progress'

export interface Progress {
  /** @param share of the work that is done, 0…1 */
  update(share: number, count: number): void
  /** Removes the bar. */
  stop(): void
}

const STEPS = 1000

/** Shows a bar with rate and remaining time on standard error. Shows nothing unless that is a terminal. */
export function startProgress(unit: string): Progress {
  if (!process.stderr.isTTY) return { update: () => undefined, stop: () => undefined }
  const bar = new SingleBar({
    stream: process.stderr,
    format: `{bar} {percentage} % | {count} ${unit} | {rate} ${unit}/s | {eta_formatted} left`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: false, // scripts/cli/stop.ts handles signals
  })
  const startedMs = performance.now()
  bar.start(STEPS, 0, { count: '0', rate: '0' })
  return {
    update(share, count) {
      const seconds = (performance.now() - startedMs) / 1000
      bar.update(Math.floor(Math.min(1, share) * STEPS), {
        count: count.toLocaleString('en'),
        rate: Math.round(count / seconds).toLocaleString('en'),
      })
    },
    stop: () => bar.stop(),
  }
}
