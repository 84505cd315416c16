import { spawnSync } from 'node:child_process'

/**
 * Why the tests of a program are left out, or false. Where the project is checked (CI=true) none is left out.
 * @throws when the program is missing there
 */
export function missingProgram(name: string): string | false {
  if (!spawnSync(name, ['-v']).error) return false
  if (process.env['CI'] === 'true') {
    throw new Error(`${name} is not installed. Install it: with CI=true no test is left out.`)
  }
  return `${name} is not installed`
}
