import { mkdir, readdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Random } from '../../../models/statistics/random.js'
import type { Disk } from './disk.js'
import type { Scene } from './scene.js'

/** Something that goes wrong. */
export interface Fault {
  readonly name: string
  /** Goes wrong, for a while, and is over when this resolves. */
  inject(scene: Scene, random: Random): Promise<void>
}

const HOLD_MS = { min: 300, max: 2_000 }
const hold = (random: Random) => delay(HOLD_MS.min + random.uniform() * (HOLD_MS.max - HOLD_MS.min))

const signalAll = (pids: readonly number[], signal: NodeJS.Signals) => {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}

async function killService(scene: Scene): Promise<void> {
  await scene.service.end('SIGKILL')
  await scene.restart()
}

const processes: readonly Fault[] = [
  { name: 'kill -9 of the service', inject: killService },
  {
    name: 'kill -9 of the postmaster',
    async inject(scene) {
      const { postmaster } = await scene.postgres()
      process.kill(postmaster, 'SIGKILL')
    },
  },
  {
    name: 'kill -9 of the service and the postmaster',
    async inject(scene) {
      const { postmaster } = await scene.postgres()
      process.kill(postmaster, 'SIGKILL')
      await killService(scene)
    },
  },
  {
    name: 'kill -9 of a backend',
    async inject(scene, random) {
      const { all } = await scene.postgres()
      signalAll([all[1 + random.integer(all.length - 1)]!], 'SIGKILL')
    },
  },
  {
    name: 'pg_terminate_backend of all sessions of the service',
    async inject({ sql }) {
      await sql`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name like 'aegis-ml%'`
    },
  },
  {
    name: 'SIGSTOP of the service',
    async inject({ service }, random) {
      service.child.kill('SIGSTOP')
      await hold(random)
      service.child.kill('SIGCONT')
    },
  },
  {
    name: 'SIGSTOP of PostgreSQL',
    async inject(scene, random) {
      const { all } = await scene.postgres()
      signalAll(all, 'SIGSTOP')
      await hold(random)
      signalAll(all, 'SIGCONT')
    },
  },
  {
    name: 'workers killed',
    async inject({ service }, random) {
      for (let i = 0; i < 5; i++) {
        service.child.kill('SIGWINCH')
        await delay(300 * random.uniform())
      }
    },
  },
]

const network: readonly Fault[] = [
  {
    name: 'TCP cut in the midst of a COPY',
    async inject({ proxy }, random) {
      for (let i = 0; i < 5; i++) {
        proxy.cutAfter(random.integer(40_000))
        await delay(200)
      }
      proxy.cutAfter(Infinity)
    },
  },
  {
    name: 'TCP refused',
    async inject({ proxy }, random) {
      await proxy.close()
      await hold(random)
      await proxy.open()
    },
  },
  {
    name: 'TCP black hole',
    async inject({ proxy }, random) {
      proxy.pause()
      await hold(random)
      proxy.resume()
    },
  },
  {
    name: 'TCP connections that are never answered again, until keepalive finds out',
    async inject({ proxy }, random) {
      proxy.strand(1 + random.integer(5))
      await hold(random)
      proxy.breakStranded()
    },
  },
  {
    name: 'TCP delayed',
    async inject({ proxy }, random) {
      proxy.delay(20 + random.integer(200))
      await hold(random)
      proxy.delay(0)
    },
  },
]

const onDisk = (name: keyof Scene['disks']): readonly Fault[] => [
  {
    name: `disk full: ${name}`,
    async inject({ disks: { [name]: disk } }, random) {
      await disk.fill()
      await hold(random)
      await disk.free()
    },
  },
  {
    name: `disk read-only: ${name}`,
    async inject(scene, random) {
      if (name === 'database') return databaseReadOnly(scene, random)
      const { [name]: disk } = scene.disks
      await disk.readOnly()
      await hold(random)
      await disk.writable()
    },
  },
]

/** The server crashes, and what starts it again finds a disk on which it cannot write. */
async function databaseReadOnly(scene: Scene, random: Random): Promise<void> {
  const disk: Disk = scene.disks.database
  const { all } = await scene.postgres()
  signalAll(all, 'SIGKILL')
  await disk.readOnly()
  await hold(random)
  await disk.writable()
}

const clocks: readonly Fault[] = [3600, -3600, 3 * 86_400, -3 * 86_400].map((seconds) => ({
  name: `clock ${seconds > 0 ? 'forwards' : 'backwards'} by ${Math.abs(seconds) === 3600 ? 'an hour' : 'three days'}`,
  async inject(scene: Scene, random: Random) {
    await scene.shiftClock(seconds)
    await delay(1_000) // the library looks once a second
    await hold(random)
    await scene.shiftClock(0)
    await delay(1_000)
  },
}))

/** What is a file there: an earlier fault may have left others. */
async function modelFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const found = entries.filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
  return found.map(({ name }) => name).sort()
}

/** What may become of a file, by other hands or a broken disk. */
const DAMAGES: Readonly<Record<string, (file: string, random: Random) => Promise<void>>> = {
  truncated: async (file, random) => truncate(file, random.integer((await readFile(file)).length)),
  empty: (file) => truncate(file, 0),
  'with flipped bits': async (file, random) => {
    const content = await readFile(file)
    for (let i = 0; i < 5; i++) content[random.integer(content.length)]! ^= 1 << random.integer(8)
    await writeFile(file, content)
  },
  'of another version': async (file) => {
    const folder = dirname(file)
    const [oldest] = (await modelFiles(folder)).filter((name) => /^anomaly.*\d/.test(name))
    if (oldest !== undefined) await writeFile(file, await readFile(join(folder, oldest)))
  },
  'a link to nowhere': async (file) => {
    await rm(file)
    await symlink('/nowhere/at/all', file)
  },
  'a folder': async (file) => {
    await rename(file, `${file}.was`)
    await mkdir(file)
    await rm(`${file}.was`)
  },
}

const files: readonly Fault[] = Object.entries(DAMAGES).map(([what, damage]) => ({
  name: `a model file ${what}`,
  async inject(scene: Scene, random: Random) {
    await scene.service.end('SIGKILL')
    const folder = scene.disks.models.path
    const names = await modelFiles(folder)
    const newest = names.filter((name) => name.startsWith('anomaly')).at(-1)
    const chosen = random.uniform() < 0.5 ? newest : names[random.integer(names.length)]
    if (chosen !== undefined) await damage(join(folder, chosen), random)
    await scene.restart()
  },
}))

export const FAULTS: readonly Fault[] = [
  ...processes,
  ...network,
  ...onDisk('models'),
  ...onDisk('data'),
  ...onDisk('database'),
  ...clocks,
  ...files,
]
