/** A bad value in the environment. The message is one line: the variable, what was given, what is allowed. */
export class ConfigError extends Error {
  constructor(variable: string, given: string, allowed: string) {
    super(`${variable} is ${JSON.stringify(given)}; allowed is ${allowed}.`)
  }
}
