import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { eventually } from '../../eventually.js'
import { openScope, type Scope } from '../../scope.js'

/** A small file system of its own, which can be full or read-only. */
export interface Disk {
  readonly path: string
  /** Takes all that is free. */
  fill(): Promise<void>
  free(): Promise<void>
  readOnly(): Promise<void>
  writable(): Promise<void>
}

const FILLER = 'filler'
/** From large to small, so that nothing stays free. */
const PIECES = [1 << 20, 1 << 12]

/** Mounting needs root; where another user may become root without a password (a CI runner), that is enough. */
async function asRoot(program: string, ...args: string[]): Promise<void> {
  const [file, ...rest] = process.getuid?.() === 0 ? [program, ...args] : ['sudo', '-n', program, ...args]
  await promisify(execFile)(file!, rest)
}

/** Why this user may not mount, or undefined. */
export async function whyNoMount(): Promise<string | undefined> {
  const { scope, close } = openScope()
  try {
    const folder = await mkdtemp(join(tmpdir(), 'aegis-ml-mount-'))
    scope.teardown(() => rm(folder, { recursive: true }))
    await mountDisk(scope, folder, 1)
    return undefined
  } catch (error) {
    return `a file system cannot be mounted here: ${(error as Error).message.trim()}`
  } finally {
    await close()
  }
}

/** @throws when this user may not mount */
export async function mountDisk(scope: Scope, path: string, megabytes: number): Promise<Disk> {
  await mkdir(path, { recursive: true })
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0]
  await asRoot(
    'mount',
    '-t',
    'tmpfs',
    '-o',
    `size=${megabytes}m,mode=0755,uid=${uid},gid=${gid}`,
    'tmpfs',
    path,
  )
  // Whoever still has a file open there keeps it, as long as he has it.
  scope.teardown(() => asRoot('umount', '--lazy', path))
  const filler = join(path, FILLER)
  return {
    path,
    async fill() {
      const file = await open(filler, 'w')
      for (const bytes of PIECES) await writeUntilFull(file, Buffer.alloc(bytes))
      await file.close()
    },
    free: () => rm(filler, { force: true }),
    // As long as somebody writes a file, the kernel refuses.
    async readOnly() {
      const remounted = () =>
        asRoot('mount', '-o', 'remount,ro', path).then(
          () => true,
          () => false,
        )
      await eventually(remounted, { what: `nobody writes to ${path}`, limitMs: 10_000 })
    },
    writable: () => asRoot('mount', '-o', 'remount,rw', path),
  }
}

async function writeUntilFull(file: Awaited<ReturnType<typeof open>>, piece: Buffer): Promise<void> {
  for (;;) {
    try {
      await file.write(piece)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return
      throw error
    }
  }
}
