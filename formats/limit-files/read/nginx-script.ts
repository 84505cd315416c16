import { UnreadableLimits, type Place } from './limits.js'
import type { Directive } from './nginx-config.js'
import { nginxPattern, type NginxRequest, type NginxValue, type NginxVariables } from './nginx-variables.js'

/** What the rewrite rules of a block make of a request. */
export type Outcome =
  /** The URI is as it was, or stays in its location. */
  | 'stays'
  /** The URI has changed: the location is looked for again. */
  | 'changed'
  /** The request is answered here, before any limit. */
  | 'answered'

type Step = (request: NginxRequest) => Outcome | 'continues'
type Condition = (request: NginxRequest) => boolean

const STEPS = new Set(['if', 'set', 'rewrite', 'return', 'break'])
const FLAGS = new Set(['last', 'break', 'redirect', 'permanent'])

/** Names the variables that `set` defines in a block and within; those that an untold condition sets are untold. */
export function defineVariables(block: readonly Directive[], variables: NginxVariables): void {
  for (const { name, args, block: inner } of block) {
    if (name === 'set') variables.defineSet(nameOf(args[0] ?? ''))
    if (name === 'rewrite' || name === 'if' || name === 'location') variables.defineCaptures(args)
    if (inner) defineVariables(inner, variables)
  }
}

const nameOf = (variable: string) => variable.replace(/^\$/, '')

/** The rewrite rules of a server or a location, in their order (ngx_http_rewrite_module.c). */
export class NginxScript {
  readonly #steps: readonly Step[]

  /** @throws UnreadableLimits naming what no log tells */
  constructor(block: readonly Directive[], variables: NginxVariables) {
    this.#steps = stepsOf(block, variables)
  }

  /** Whether every request is answered here. */
  static answersAll(block: readonly Directive[]): boolean {
    const first = block.find(({ name }) => STEPS.has(name) && name !== 'set')
    return first?.name === 'return'
  }

  run(request: NginxRequest): Outcome {
    const before = request.uri
    const outcome = run(this.#steps, request)
    return outcome !== 'continues' ? outcome : request.uri === before ? 'stays' : 'changed'
  }
}

function run(steps: readonly Step[], request: NginxRequest): Outcome | 'continues' {
  for (const step of steps) {
    const outcome = step(request)
    if (outcome !== 'continues') return outcome
  }
  return 'continues'
}

function stepsOf(block: readonly Directive[], variables: NginxVariables): Step[] {
  return block.flatMap((directive): Step[] => {
    const { name, args, line } = directive
    if (/^(?:server_)?(?:rewrite|set)_by_lua/.test(name))
      throw new UnreadableLimits(line, `${name} is not understood`)
    if (name === 'return') return [() => 'answered']
    if (name === 'break') return [() => 'stays']
    if (name === 'rewrite') return [rewrite(args, line, variables)]
    if (name === 'set') return setStep(args, line, variables)
    return name === 'if' ? ifStep(directive, variables) : []
  })
}

function setStep([name = '', text = '']: readonly string[], line: Place, variables: NginxVariables): Step[] {
  let value: NginxValue
  try {
    value = variables.text(text, line)
  } catch (error) {
    if (!(error instanceof UnreadableLimits)) throw error
    variables.defineUntold(nameOf(name), line, error.message.replace(/^.*?: /, ''))
    return []
  }
  return [
    (request) => {
      request.variables.set(nameOf(name), value(request))
      return 'continues'
    },
  ]
}

/** A condition that no log tells matters only when it decides the way of a request. */
function ifStep({ args, block, line }: Directive, variables: NginxVariables): Step[] {
  const inner = block ?? []
  const decides = inner.filter(({ name }) => STEPS.has(name))
  if (decides.length === 0) return []
  try {
    const [condition, steps] = [conditionOf(args, line, variables), stepsOf(inner, variables)]
    return [(request) => (condition(request) ? run(steps, request) : 'continues')]
  } catch (error) {
    if (!(error instanceof UnreadableLimits)) throw error
    if (decides.some(({ name }) => name !== 'set')) {
      throw new UnreadableLimits(
        line,
        `if decides the way of a request, and ${error.message.replace(/^.*?: /, '')}`,
      )
    }
    for (const { args: set } of decides) {
      variables.defineUntold(
        nameOf(set[0] ?? ''),
        line,
        `${set[0]} is set by an if that an access log does not tell`,
      )
    }
    return []
  }
}

function conditionOf(args: readonly string[], line: Place, variables: NginxVariables): Condition {
  const words = args.map((word, i) => (i === 0 ? word.replace(/^\(/, '') : word))
  const last = words.length - 1
  words[last] = words[last]!.replace(/\)$/, '')
  const [subject = '', operator, text = ''] = words.filter((word, i) => word !== '' || (i > 0 && i < last))
  if (operator === undefined && /^\$\w+$/.test(subject)) {
    const value = variables.text(subject, line, true)
    return (request) => !['', '0'].includes(value(request))
  }
  if (/^!?-[fdex]$/.test(subject))
    throw new UnreadableLimits(line, `an access log does not tell ${subject} (files)`)
  const value = variables.text(subject, line, true)
  if (operator === '=' || operator === '!=') {
    const other = variables.text(text, line)
    return (request) => (value(request) === other(request)) === (operator === '=')
  }
  const [, isNot, isInsensitive] = /^(!?)~(\*?)$/.exec(operator ?? '') ?? []
  if (isNot === undefined)
    throw new UnreadableLimits(line, `if ${args.join(' ').slice(0, 80)} is not understood`)
  const matches = nginxPattern(`${isInsensitive}${text}`, line)
  return (request) => matches(value(request), request) === (isNot === '')
}

function rewrite(args: readonly string[], line: Place, variables: NginxVariables): Step {
  const [pattern, replacement, flag] = args
  if (pattern === undefined || replacement === undefined || (flag !== undefined && !FLAGS.has(flag)))
    throw new UnreadableLimits(line, `rewrite ${args.join(' ').slice(0, 80)} is not understood`)
  const matches = nginxPattern(pattern.startsWith('*') ? `\\${pattern}` : pattern, line)
  const isRedirect =
    flag === 'redirect' || flag === 'permanent' || /^(?:https?:\/\/|\$scheme)/.test(replacement)
  if (isRedirect) return (request) => (matches(request.uri, request) ? 'answered' : 'continues')
  const value = variables.text(replacement.split('?', 1)[0]!, line)
  return (request) => {
    if (!matches(request.uri, request)) return 'continues'
    request.uri = value(request)
    return flag === 'break' ? 'stays' : flag === 'last' ? 'changed' : 'continues'
  }
}
