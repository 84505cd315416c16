import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chown, mkdtemp, readFile, readdir, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { freePort } from '../e2e/process.js'
import type { Image } from './image.js'
import { run } from './tools.js'

/** The image at work under an OCI runtime: process 1 of its own, a read-only root, no capabilities. */
export interface Container {
  url: string
  output(): string
  /** Does what `docker exec` does, as the image's user. */
  exec(command: string[]): Promise<string>
  /** The command lines of its processes, by their numbers on this machine. */
  processes(): Promise<Map<number, string>>
  /** Signals process 1, if there is a signal, and waits for its end: the exit code. */
  end(signal?: string): Promise<number | null>
  hasEnded(): boolean
}

/** A folder that stands for a named volume: as Docker makes it, it belongs to the image's user. */
export async function volume(t: Test): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'aegis-ml-volume-'))
  await chown(directory, 1000, 1000)
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** Starts the image on the machine's network; does not wait until it answers. */
export async function startContainer(
  t: Test,
  image: Image,
  data: string,
  environment: Record<string, string> = {},
): Promise<Container> {
  const name = `aegis-ml-${randomBytes(6).toString('hex')}`
  const port = await freePort()
  const bundle = await mkdtemp(join(tmpdir(), 'aegis-ml-bundle-'))
  t.teardown(() => rm(bundle, { recursive: true, force: true }))
  const added = Object.entries({ ML_SERVICE_PORT: port, ALLOW_ANONYMOUS: 'true', ...environment }).map(
    ([key, value]) => `${key}=${value}`,
  )
  const env = [...image.config.Env, ...added]
  await writeSpecification(bundle, image, data, env)

  // crun does not start where both versions of cgroups are mounted: it is shown one.
  const unmount = existsSync('/sys/fs/cgroup/unified') ? 'umount /sys/fs/cgroup/unified; ' : ''
  const command = `${unmount}exec crun --cgroup-manager=disabled run --bundle "$1" "$2"`
  const child = spawn('unshare', ['--mount', 'sh', '-c', command, 'sh', bundle, name], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const closed = once(child, 'close') as Promise<[number | null]>
  const end = async (signal?: string) => {
    // It may have ended by itself.
    if (signal !== undefined) await run('crun', ['kill', name, signal]).catch(() => undefined)
    return (await closed)[0]
  }
  t.teardown(async () => {
    if (child.exitCode === null) await end('KILL')
  })
  const [userId, groupId] = image.config.User.split(':')
  return {
    url: `http://127.0.0.1:${port}`,
    output: () => output,
    exec: (args) =>
      run('crun', [
        ...['exec', '--cwd', image.config.WorkingDir, '--user', `${userId}:${groupId}`],
        ...[...env.flatMap((each) => ['--env', each]), name, ...args],
      ]),
    async processes() {
      const { pid } = JSON.parse(await run('crun', ['state', name])) as { pid: number }
      return processesBeside(pid)
    },
    end,
    hasEnded: () => child.exitCode !== null,
  }
}

/** Waits until the service has answered on this path with 200. */
export async function untilAnswers(container: Container, path: string): Promise<void> {
  const { url, output } = container
  for (let attempt = 0; attempt < 600 && !container.hasEnded(); attempt++) {
    const response = await fetch(url + path).catch(() => undefined)
    if (response?.ok) return
    await delay(100)
  }
  throw new Error(`The container does not answer: ${output()}`)
}

async function writeSpecification(bundle: string, image: Image, data: string, env: string[]): Promise<void> {
  await run('crun', ['spec', '--bundle', bundle])
  const file = join(bundle, 'config.json')
  const specification = JSON.parse(await readFile(file, 'utf8')) as {
    mounts: object[]
    linux: { namespaces: { type: string }[] }
  }
  const { User, Entrypoint, Cmd, WorkingDir } = image.config
  const [uid, gid] = User.split(':').map(Number)
  const tmpfs = ['nosuid', 'nodev', 'noexec', 'mode=1777', 'size=64m']
  const { linux, mounts } = specification
  const changed = {
    ...specification,
    root: { path: image.root, readonly: true },
    process: {
      user: { uid, gid },
      cwd: WorkingDir,
      args: [...Entrypoint, ...Cmd],
      env,
      capabilities: {},
      noNewPrivileges: true,
    },
    mounts: [
      ...mounts,
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: tmpfs },
      { destination: '/data', type: 'bind', source: data, options: ['rbind', 'rw'] },
    ],
    linux: { ...linux, namespaces: linux.namespaces.filter(({ type }) => type !== 'network') },
  }
  await writeFile(file, JSON.stringify(changed))
}

/** All processes of the namespace that process `pid` lives in. */
async function processesBeside(pid: number): Promise<Map<number, string>> {
  const spaceOf = (id: string | number) => readlink(`/proc/${id}/ns/pid`).catch(() => undefined)
  const space = await spaceOf(pid)
  const found = new Map<number, string>()
  for (const id of (await readdir('/proc')).filter((each) => /^\d+$/.test(each))) {
    if ((await spaceOf(id)) !== space) continue
    const command = await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')
    found.set(Number(id), command.replaceAll('\0', ' ').trim())
  }
  return found
}
