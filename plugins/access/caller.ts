import { ROLES, type ApiKey, type Role } from '../../formats/api-keys.js'
import { ServiceError } from '../http/errors.js'

/** Who sends a request. */
export interface Caller {
  /** The name of the key; null for a caller without one, where no keys are defined. */
  readonly name: string | null
  readonly roles: ReadonlySet<Role>
  /** The sources whose reports it may send; null for any. */
  readonly sources: readonly string[] | null
}

/** Who may call a route: everybody, or callers with one of these roles. */
export type Access = 'open' | Role | readonly Role[]

const INCLUDED: Readonly<Record<Role, readonly Role[]>> = {
  read: ['read'],
  detect: ['detect'],
  operate: ['operate', 'read'],
  admin: ROLES,
}

/** Everybody, where no keys are defined. */
export const ANYBODY: Caller = { name: null, roles: new Set(ROLES), sources: null }

/** A caller who has shown no key. Open routes alone are for it. */
export const NOBODY: Caller = { name: null, roles: new Set(), sources: null }

export function callerWith({ name, roles, sources }: Omit<ApiKey, 'hash'>): Caller {
  return { name, roles: new Set(roles.flatMap((role) => INCLUDED[role])), sources }
}

/** The roles of which a caller needs one; none for an open route. */
export function rolesOf(access: Access): readonly Role[] {
  return access === 'open' ? [] : typeof access === 'string' ? [access] : access
}

/** The roles that may call a route, with those that include them. */
export function allowedRoles(access: Access): readonly Role[] {
  const needed = rolesOf(access)
  return ROLES.filter((role) => INCLUDED[role].some((included) => needed.includes(included)))
}

/** @throws ServiceError FORBIDDEN when the caller has none of the roles */
export function assertAllowed({ name, roles }: Caller, access: Access): void {
  const needed = rolesOf(access)
  if (needed.length === 0 || needed.some((role) => roles.has(role))) return
  const has = [...roles].join(', ') || 'none'
  const message = `The key ${name ?? ''} may not do this: it needs the role ${needed.join(' or ')}, and has ${has}. Use another key, or give this one the role.`
  throw new ServiceError('FORBIDDEN', message)
}
