import { stat } from 'node:fs/promises'
import type { Log } from '../log.js'
import { run, type Account } from './processes.js'

const USER = 'postgres'
const CREATE_USER = [
  ['useradd', '--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', USER],
  ['adduser', '--system', '--group', '--no-create-home', USER],
  ['adduser', '-S', '-D', '-H', USER],
] as const

/**
 * Whom PostgreSQL runs as. It refuses to run as root; so for root that is the owner of the data directory,
 * or for a new one the system user postgres, created if missing.
 */
export async function serverAccount(dataDirectory: string, log: Log): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const owner = await stat(dataDirectory).catch(() => undefined)
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  const account = (await findUser(USER)) ?? (await createUser(log))
  const { ok, stderr } = await run('/bin/sh', ['-c', ':'], account)
  if (ok) return account
  throw new Error(
    `PostgreSQL does not run as root, and nothing can be run as ${USER} here (${stderr}), as in a user namespace ` +
      'without its own ids. Run the service as an ordinary user, or set POSTGRES_HOST.',
  )
}

/** Whether the account can use a directory: tried out, since modes alone do not tell (ACLs, mounts). */
export async function canEnter(account: Account | undefined, directory: string): Promise<boolean> {
  if (account === undefined) return true
  const { ok } = await run('/bin/sh', ['-c', 'cd "$1" && ls . >/dev/null', 'sh', directory], account)
  return ok
}

async function findUser(name: string): Promise<Account | undefined> {
  const [user, group] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])])
  return user.ok && group.ok ? { uid: Number(user.stdout), gid: Number(group.stdout) } : undefined
}

async function createUser(log: Log): Promise<Account> {
  const failures: string[] = []
  for (const [program, ...args] of CREATE_USER) {
    const { ok, stderr } = await run(program, args)
    // Another service may have created it in the meantime: what counts is that it is there.
    const account = await findUser(USER)
    if (account !== undefined) {
      log.info({ user: USER, ...account }, `created the system user ${USER}: PostgreSQL does not run as root`)
      return account
    }
    if (!ok) failures.push(stderr)
  }
  throw new Error(
    `PostgreSQL does not run as root, and the system user ${USER} could not be created (${failures.join('; ')}). ` +
      'Create it, run the service as an ordinary user, or set POSTGRES_HOST.',
  )
}
