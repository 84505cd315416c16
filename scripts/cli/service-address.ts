import { loadConfig, processEnvironment } from '../../plugins/config.js'
import { UsageError } from './errors.js'

/**
 * The address of a service, without a slash at its end: the one that is given, or else that of this machine.
 * @throws UsageError, or ConfigError on a bad port
 */
export function serviceAddress(given: string | undefined): string {
  const url = given ?? serviceHere()
  if (!URL.canParse(url) || !/^https?:/.test(url)) {
    const shown = JSON.stringify(url.slice(0, 80))
    throw new UsageError(`--url is ${shown}; allowed is an address such as http://127.0.0.1:5000.`)
  }
  return url.replace(/\/+$/, '')
}

function serviceHere(): string {
  const { ML_SERVICE_PORT } = processEnvironment()
  return `http://127.0.0.1:${loadConfig({ ML_SERVICE_PORT }).port}`
}
