import { readFile, readdir, readlink, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { newFileMode } from '../private-files.js'
import { isRunning, startOf, waitUntil } from './processes.js'

/**
 * One service at a time in a directory, also before there is a server to ask. The lock is a file
 * `service-<n>.lock` that names its holder. A holder that has died is succeeded by creating the file n + 1, which
 * only one can do; its file goes afterwards. Whether a holder lives is read from its process where process
 * numbers mean the same to both, and from the file's time, which the holder renews, where they do not
 * (containers that share a volume).
 */
export interface ServiceLock {
  release(): Promise<void>
}

export class DataPathInUseError extends Error {
  constructor(directory: string, holder: string) {
    super(
      `Another aegis-ml service (${holder}) is using ${directory}. ` +
        'Stop it first, or give this one a DATA_PATH of its own.',
    )
  }
}

const FILE = /^service-(\d+)\.lock$/
const RENEWAL_MS = 1_000
const SILENCE_MS = 5_000

interface Holder {
  pid: number
  host: string
  /** The machine's boot and the namespace in which `pid` counts; null where that cannot be told. */
  space: string | null
  start: string | null
}

export async function acquireServiceLock(directory: string): Promise<ServiceLock> {
  const dead = await deadGenerations(directory)
  const mine = `service-${Math.max(0, ...dead) + 1}.lock`
  const path = join(directory, mine)
  try {
    const mode = await newFileMode(directory)
    await writeFile(path, JSON.stringify(await myself()), { flag: 'wx', flush: true, mode })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new DataPathInUseError(directory, describe(await readHolder(path)))
  }
  await Promise.all(dead.map((n) => rm(join(directory, `service-${n}.lock`), { force: true })))
  // Someone who looked before a whole life of this lock may have started another row of numbers.
  const rival = (await readdir(directory)).find((name) => FILE.test(name) && name !== mine)
  if (rival !== undefined) {
    await rm(path, { force: true })
    throw new DataPathInUseError(directory, describe(await readHolder(join(directory, rival))))
  }
  return keep(path)
}

/** The numbers of the locks whose holders have died; throws when one lives. */
async function deadGenerations(directory: string): Promise<number[]> {
  const generations: number[] = []
  for (const name of await readdir(directory)) {
    const generation = FILE.exec(name)?.[1]
    if (generation === undefined) continue
    const path = join(directory, name)
    const holder = await readHolder(path)
    if (await isAlive(holder, path)) throw new DataPathInUseError(directory, describe(holder))
    generations.push(Number(generation))
  }
  return generations
}

function keep(path: string): ServiceLock {
  const timer = setInterval(() => {
    const now = new Date()
    // The file may be gone with the whole DATA_PATH; there is nothing left to guard then.
    utimes(path, now, now).catch(() => undefined)
  }, RENEWAL_MS)
  timer.unref()
  return {
    async release() {
      clearInterval(timer)
      await rm(path, { force: true })
    },
  }
}

async function isAlive(holder: Holder | undefined, path: string): Promise<boolean> {
  const space = await processSpace()
  if (holder?.space && holder.space === space) return (await startOf(holder.pid)) === holder.start
  const sameMachine = holder !== undefined && space === null && holder.host === hostname()
  if (sameMachine && !(await isRunning(holder.pid))) return false
  const before = await renewedAt(path)
  return waitUntil(async () => {
    await delay(RENEWAL_MS / 4)
    const now = await renewedAt(path)
    return now !== undefined && now !== before
  }, SILENCE_MS)
}

async function renewedAt(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.mtimeMs
}

async function myself(): Promise<Holder> {
  const start = (await startOf(process.pid)) ?? null
  return { pid: process.pid, host: hostname(), space: await processSpace(), start }
}

async function processSpace(): Promise<string | null> {
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8')
    return `${boot.trim()} ${await readlink('/proc/self/ns/pid')}`
  } catch {
    return null
  }
}

/** The holder that a lock file names; undefined while it is being written, or when that was cut off. */
async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder
  } catch {
    return undefined
  }
}

function describe(holder: Holder | undefined): string {
  return holder === undefined ? 'just starting' : `process ${holder.pid} on ${holder.host}`
}
