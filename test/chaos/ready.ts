import { get, type ServiceProcess } from '../e2e/process.js'
import { eventually } from '../eventually.js'

/** Waits until a service is ready. @throws when it ends, or is not ready for too long */
export async function untilReady({ child, url, output }: ServiceProcess, limitMs = 60_000): Promise<void> {
  await eventually(
    async () => {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`The service ended: ${reasonOf(output())}`)
      const answer = await get(`${url}/health/ready`).catch(() => undefined)
      return answer?.status === 200
    },
    { limitMs, what: 'a service that is ready' },
  )
}

/** Of a log, why the service has stopped, or its last lines. */
function reasonOf(log: string): string {
  const lines = log.trimEnd().split('\n')
  return lines.filter((line) => line.includes('after an error')).join('\n') || lines.slice(-5).join('\n')
}
