import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { run } from './tools.js'

export interface Base {
  name: string
  /** What it is, in words. */
  origin: string
  /** Whether the test has made it, and is to remove it. */
  isOurs: boolean
}

/**
 * The image that the Dockerfile starts from: CONTAINER_BASE, or the one that it names; where that cannot be had, one
 * like it, of Debian's packages and the Node.js that runs this test.
 */
export async function baseImage(): Promise<Base> {
  const given = process.env['CONTAINER_BASE']
  if (given) return { name: given, origin: 'CONTAINER_BASE', isOurs: false }
  const named = /^ARG BASE=(.+)$/m.exec(await readFile('Dockerfile', 'utf8'))![1]!
  const known = await run('buildah', ['pull', '-q', '--policy=missing', named]).then(
    () => true,
    () => false,
  )
  if (known) return { name: named, origin: 'as the Dockerfile says', isOurs: false }
  const name = 'localhost/aegis-ml-test-base'
  await makeBase(name).catch((cause: Error) => {
    throw new Error(
      `${named} cannot be had, and none like it be made: name an image in CONTAINER_BASE. ${cause.message}`,
      { cause },
    )
  })
  return {
    name,
    origin: `${named} out of reach: Debian bookworm with Node.js ${process.version}`,
    isOurs: true,
  }
}

async function makeBase(name: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'aegis-ml-base-'))
  try {
    const root = join(directory, 'root')
    await run('debootstrap', ['--variant=minbase', 'bookworm', root])
    const superfluous = ['etc/resolv.conf', 'etc/hostname', 'var/cache/apt', 'var/lib/apt/lists', 'var/log']
    const slim = ['doc', 'info', 'locale', 'man'].map((each) => `usr/share/${each}`)
    for (const path of [...superfluous, ...slim]) await rm(join(root, path), { recursive: true, force: true })
    await installNode(join(root, 'usr/local'))
    await run('chroot', [root, 'groupadd', '--gid', '1000', 'node'])
    await run('chroot', [root, 'useradd', '--uid', '1000', '--gid', 'node', '--create-home', 'node'])
    const container = await run('buildah', ['from', 'scratch'])
    await run('buildah', ['add', '-q', container, root, '/'])
    await run('buildah', ['config', '--env', 'PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', container])
    await run('buildah', ['commit', '-q', '--rm', container, name])
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** This Node.js and its npm. */
async function installNode(prefix: string): Promise<void> {
  const cli = await realpath(process.env['npm_execpath'] ?? (await run('sh', ['-c', 'command -v npm'])))
  await cp(await realpath(process.execPath), join(prefix, 'bin/node'))
  await mkdir(join(prefix, 'lib/node_modules'), { recursive: true })
  await cp(dirname(dirname(cli)), join(prefix, 'lib/node_modules/npm'), {
    recursive: true,
    verbatimSymlinks: true,
  })
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(prefix, 'bin/npm'))
}
