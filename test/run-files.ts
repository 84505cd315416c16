import { spawn, type ChildProcess } from 'node:child_process'
import { text } from 'node:stream/consumers'

export interface Run {
  readonly files: readonly string[]
  /** Files that run at the same time. */
  readonly jobs: number
  /** Of one file. */
  readonly timeoutSeconds: number
  /** Variables on top of those of this process. */
  readonly environment: Record<string, string>
  /** Ends the files that run, and begins no more. */
  readonly signal: AbortSignal
}

export interface Result {
  readonly file: string
  /** In assertions. A file that ends badly, or asserts nothing, has one failure at least. */
  readonly passed: number
  readonly failed: number
  /** Its failed lines, each with its explanation. */
  readonly failures: string
  /** What it wrote to standard error. */
  readonly messages: string
  readonly seconds: number
}

/** Stands for the linters in a list of files. */
export const LINT = 'npm run lint'

/** What a file has, for tap and for its own programs, to end in when its time is over. */
const LAST_SECONDS = 30

/**
 * Runs test files, each in a process of its own, and gives the results as they come. They do not run under tap's own
 * command: its hooks for modules make each file start half a second later, and each service two seconds.
 */
export async function* runFiles({ files, jobs, ...options }: Run): AsyncGenerator<Result> {
  const waiting = [...files]
  const running = new Map<string, Promise<Result>>()
  for (;;) {
    while (waiting.length > 0 && running.size < jobs && !options.signal.aborted) {
      const file = waiting.shift()!
      running.set(file, runFile(file, options))
    }
    if (running.size === 0) return
    const result = await Promise.race(running.values())
    running.delete(result.file)
    yield result
  }
}

async function runFile(file: string, run: Omit<Run, 'files' | 'jobs'>): Promise<Result> {
  const { timeoutSeconds, environment, signal } = run
  const startedMs = performance.now()
  const [program, ...args] =
    file === LINT ? LINT.split(' ') : [process.execPath, '--enable-source-maps', file]
  const child = spawn(program!, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    // tap names the test that hangs.
    env: { ...process.env, TAP_TIMEOUT: String(timeoutSeconds), ...environment },
  })
  const end = () => child.kill('SIGTERM')
  signal.addEventListener('abort', end)
  const timer = setTimeout(() => child.kill('SIGKILL'), (timeoutSeconds + LAST_SECONDS) * 1000)
  const [output, messages, code] = await Promise.all([text(child.stdout), text(child.stderr), codeOf(child)])
  clearTimeout(timer)
  signal.removeEventListener('abort', end)
  const { passed, failed } = file === LINT ? { passed: code === 0 ? 1 : 0, failed: 0 } : count(output)
  const isBad = code !== 0 || passed === 0
  return {
    file,
    passed,
    failed: isBad ? Math.max(1, failed) : failed,
    failures: isBad || failed > 0 ? failures(output) || `It ended with ${code}.\n${output.slice(-2000)}` : '',
    messages,
    seconds: (performance.now() - startedMs) / 1000,
  }
}

/** The exit code of a process, or the signal that ended it. */
function codeOf(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(code ?? signal ?? 1))
  })
}

/** tap's own tally, the last comment of its output: `# { total: 3, pass: 2, fail: 1 }`. */
function count(output: string): { passed: number; failed: number } {
  const tally = output.match(/^# \{ total: .*\}$/gm)?.at(-1) ?? ''
  const read = (name: string) => Number(new RegExp(`\\b${name}: (\\d+)`).exec(tally)?.[1] ?? 0)
  return { passed: read('pass'), failed: read('fail') }
}

/** Every failed line of tap's output with the explanation that is indented below it. */
function failures(output: string): string {
  const blocks = output.match(
    /^( *)not ok (?!.*# (?:TODO|SKIP)).*(?:\n\1 {2}---\n(?:\1 {2}.*\n|\s*\n)*?\1 {2}\.\.\.)?$/gm,
  )
  return (blocks ?? []).join('\n')
}
