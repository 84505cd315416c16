import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { callerClosed } from './caller-closed.js'

interface Watched {
  readonly state: 'running' | 'done' | 'failed' | 'stopped'
}

/**
 * Sends each change of a job as a server-sent event, until it ends, the service closes or the caller leaves. A failure has
 * to come before: the stream begins with a status of 200.
 */
export function sendJobEvents<Job extends Watched>(
  reply: FastifyReply,
  closing: AbortSignal,
  watch: (signal: AbortSignal) => AsyncGenerator<Job>,
  toJson: (job: Job) => unknown,
): FastifyReply {
  const jobs = watch(AbortSignal.any([closing, callerClosed(reply)]))
  reply.type('text/event-stream; charset=utf-8').header('cache-control', 'no-store')
  return reply.send(Readable.from(events(jobs, toJson)))
}

async function* events<Job extends Watched>(
  jobs: AsyncGenerator<Job>,
  toJson: (job: Job) => unknown,
): AsyncGenerator<string> {
  for await (const job of jobs) {
    const name = job.state === 'running' ? 'progress' : job.state
    yield `event: ${name}\ndata: ${JSON.stringify(toJson(job))}\n\n`
  }
}
