import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const start = promisify(execFile)

/** What a program writes to its standard output; an error quotes the end of all it said. */
export async function run(program: string, args: string[]): Promise<string> {
  try {
    const { stdout } = await start(program, args, { maxBuffer: 64 * 2 ** 20 })
    return stdout.trim()
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string }
    throw new Error(`${program} ${args[0]} ended with ${code}:\n${`${stdout}${stderr}`.slice(-4_000)}`, {
      cause: error,
    })
  }
}

const PACKAGES = { buildah: 'buildah', crun: 'crun', unshare: 'util-linux' }

/** @throws when something is missing that the image is built and run with */
export async function assertTools(): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new Error('The image is built and run as root: start npm run test:container as root.')
  for (const [program, name] of Object.entries(PACKAGES)) {
    await start(program, ['--version']).catch(() => {
      throw new Error(
        `${program} is missing: the image cannot be tested without it (apt-get install ${name}).`,
      )
    })
  }
}
