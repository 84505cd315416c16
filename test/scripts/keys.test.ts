import { createHash } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { parseApiKeys } from '../../formats/api-keys.js'
import { runScript } from './cli/process.js'

const folder = await mkdtemp(join(tmpdir(), 'aegis-keys-'))
t.teardown(() => rm(folder, { recursive: true }))
const at = (name: string) => join(folder, name)

const create = (...args: string[]) => runScript('aegis-ml', ['keys', 'create', ...args], { cwd: folder })
const hashOf = (key: string) => createHash('sha256').update(key).digest()

t.test(
  'without a file the key is on standard output, and the entry for API_KEYS on standard error',
  async (t) => {
    const { code, stdout, stderr } = await create(
      'ann@x',
      '--role',
      'read',
      '--role',
      'detect',
      '--source',
      'a b',
      'ü+:,',
    )
    t.equal(code, 0)
    t.match(stdout, /^aegis_[\w-]{43}\n$/)
    const entry = stderr.trim().split('\n').at(-1)!
    t.match(parseApiKeys(entry), [
      { name: 'ann@x', hash: hashOf(stdout.trim()), roles: ['read', 'detect'], sources: ['a b', 'ü+:,'] },
    ])
    t.notMatch(stderr, stdout.trim())
  },
)

t.test('with a file the entry is added to it; comments, mode and links stay', async (t) => {
  const file = at('keys')
  const first = await create('ann', '--role', 'operate', '--file', file)
  t.match(first, { code: 0, stdout: /^aegis_/, stderr: /has the key of ann now/ })
  t.equal((await stat(file)).mode & 0o777, 0o600)
  await writeFile(file, `# people\n${(await readFile(file, 'utf8')).trim()}`)
  await chmod(file, 0o640)
  await symlink(file, at('link'))
  const env = { API_KEYS_FILE: 'link' }
  const second = await runScript('aegis-ml', ['keys', 'create', 'bob', '--role', 'admin'], {
    cwd: folder,
    env,
  })
  t.equal(second.code, 0)
  const text = await readFile(file, 'utf8')
  t.match(text, /^# people\nann:.*\nbob:.*\n$/)
  t.equal((await stat(file)).mode & 0o777, 0o640)
  const hashes = parseApiKeys(text).map(({ hash }) => hash)
  t.same(
    hashes,
    [first, second].map(({ stdout }) => hashOf(stdout.trim())),
  )

  const again = await create('ann', '--role', 'operate', '--file', file)
  t.match(again, {
    code: 2,
    stdout: '',
    stderr: /There is a key of ann already\. Choose another name, or --rotate/,
  })
  t.equal(await readFile(file, 'utf8'), text)
  t.equal((await create('ann', '--rotate', '--file', file)).code, 0)
  t.match(parseApiKeys(await readFile(file, 'utf8'))[2], { name: 'ann', roles: ['operate'], sources: null })
})

t.test('commands at the same time lose no entry, and leave nothing else', async (t) => {
  const file = at('many')
  const names = ['a', 'b', 'c', 'd']
  const ends = await Promise.all(names.map((name) => create(name, '--role', 'read', '--file', file)))
  t.same(
    ends.map(({ code }) => code),
    [0, 0, 0, 0],
  )
  const keys = parseApiKeys(await readFile(file, 'utf8'))
  t.same(keys.map(({ name }) => name).sort(), names)
  t.same(
    (await readdir(folder)).filter((name) => name.startsWith('many')),
    ['many'],
  )
})

t.test('bad arguments end with 2 and say what is allowed; no key is printed', async (t) => {
  await writeFile(at('broken'), 'ann:123:read\n')
  const refused: [string[], RegExp][] = [
    [['a b', '--role', 'read'], /The name is "a b"; allowed are 1 to 64 letters, digits/],
    [['ann'], /--role is missing; allowed is one or more of read, detect, operate, admin/],
    [['ann', '--role', 'root'], /--role is "root"; allowed is one of read, detect, operate, admin/],
    [['ann', '--rotate'], /--rotate needs a key of ann in the file of --file/],
    [['ann', '--rotate', '--role', 'read'], /leave them out/],
    [['ann', '--role', 'read', '--file', at('broken')], /cannot be used: entry 1 has no SHA-256/],
    [['ann', '--role', 'read', '--file', folder], /cannot be read: it is a folder/],
  ]
  const ends = await Promise.all(
    refused.map(async ([args, message]) => [await create(...args), message] as const),
  )
  for (const [end, message] of ends) t.match(end, { code: 2, stdout: '', stderr: message })
  t.match(await create('--help'), { code: 0, stdout: /Exit codes: 0 success, 2 usage\./ })
})
