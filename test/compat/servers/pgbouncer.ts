import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Connection } from '../../../db/pool.js'
import { freePort } from '../../e2e/process.js'
import { testDirectory } from '../../postgres.js'
import { listens, startDaemon } from './programs.js'

/**
 * PgBouncer in front of a database. Debian's configuration sets where it listens and how clients log in; the rest is
 * PgBouncer's own default, so that it pools by session and refuses settings in the startup message.
 */
export async function startPgBouncer(
  t: Test,
  to: Connection,
  settings: readonly string[] = [],
): Promise<Connection> {
  const directory = await testDirectory(t)
  const port = await freePort()
  const users = join(directory, 'userlist.txt')
  await writeFile(users, `"${to.user}" "${to.password}"\n`)
  const ini = join(directory, 'pgbouncer.ini')
  const lines = [
    '[databases]',
    `${to.database} = host=${to.host} port=${to.port}`,
    '[pgbouncer]',
    ...['listen_addr = 127.0.0.1', `listen_port = ${port}`, 'unix_socket_dir ='],
    ...['auth_type = md5', `auth_file = ${users}`, ...settings],
  ]
  await writeFile(ini, `${lines.join('\n')}\n`)
  const daemon = await startDaemon(t, 'pgbouncer', [ini])
  await listens(daemon, port)
  return { ...to, host: '127.0.0.1', port }
}
