import { missingProgram } from '../missing-program.js'
import { postgresql } from './servers/programs.js'

const PROGRAMS = {
  postgres: postgresql('postgres'),
  pgbouncer: 'pgbouncer',
  openssl: 'openssl',
} as const

/** Why a test is left out, or false: which of the programs is missing here. Where CI=true, none may be. */
export function missingCompatPrograms(...names: (keyof typeof PROGRAMS)[]): string | false {
  return names.map((name) => missingProgram(PROGRAMS[name])).find((reason) => reason !== false) ?? false
}
