import { ConfigError } from './error.js'

const MAX_ENTRIES = 100

const ORIGIN = /^(?:\*|https?:\/\/[^\s/,?#@]{1,255})$/
const ORIGINS = 'a list of origins with commas, as https://dash.example,http://localhost:3000, or *'

const HOST = /^(?:\*|(?:\*\.)?[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){0,20})$/
const HOSTS =
  'a list of host names without ports, with commas, as ml-service,aegis.example,*.internal.example, or *'

/** The origins of CORS_ORIGINS. @throws ConfigError */
export function readOrigins(list: string): readonly string[] {
  return readList('CORS_ORIGINS', list, ORIGIN, ORIGINS)
}

/** The host names of PUBLIC_HOSTS. @throws ConfigError */
export function readHosts(list: string): readonly string[] {
  return readList('PUBLIC_HOSTS', list.toLowerCase(), HOST, HOSTS)
}

function readList(variable: string, list: string, entry: RegExp, allowed: string): readonly string[] {
  const entries = list
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
  const isValid = entries.length <= MAX_ENTRIES && entries.every((each) => entry.test(each))
  if (!isValid) throw new ConfigError(variable, list.slice(0, 200), allowed)
  return Object.freeze(entries)
}
