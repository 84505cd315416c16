import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { eventually } from '../../eventually.js'
import type { LoggedRequest } from './limit-requests.js'

export async function folderOf(t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'aegis-ml-gateways-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

interface SentRequest extends LoggedRequest {
  readonly headers?: Record<string, string>
}

/** The status of a request that is sent as it is, from the address of its client. */
export function statusOf(
  port: number,
  { method, target, client, headers }: SentRequest,
  agent: Agent,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = {
      port,
      host: '127.0.0.1',
      method,
      path: target,
      localAddress: client,
      agent,
      headers: headers ?? {},
    }
    httpRequest(options, (response) => {
      response.resume().on('end', () => resolve(response.statusCode!))
    })
      .on('error', reject)
      .end()
  })
}

export async function started(
  t: Test,
  program: string,
  flags: readonly string[],
  port: number,
  client = '127.0.0.1',
): Promise<void> {
  const process: ChildProcess = spawn(program, flags, { stdio: 'ignore' })
  const ended = once(process, 'exit')
  t.teardown(async () => {
    process.kill()
    await ended
  })
  const first = { method: 'GET', target: '/', client }
  const answers = () =>
    statusOf(port, first, new Agent()).then(
      () => true,
      () => false,
    )
  await eventually(answers, { what: `an answer of ${program}` })
}
