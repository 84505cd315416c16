import { nginxDirectives, type Directive } from './nginx-config.js'
import { UnreadableLimits, type OtherFile, type OtherFiles, type Place } from './limits.js'

const MAX_DEPTH = 16
const MAX_FILES = 2000

/** Files of types and parameters: they have no limits in them. */
const HARMLESS = /(?:^|\/)(?:mime\.types|\w+_params|fastcgi\.conf|modules-enabled\/\*\.conf|naxsi\S*)$/
/** How `nginx -T` begins a file. */
const DUMPED = /^# configuration file (.+):$/gm

/**
 * The directives of a configuration, with those of the files that it includes in their places. The output of `nginx -T` has
 * all files in it.
 *
 * @throws UnreadableLimits naming an include that cannot be read
 */
export function directivesWithIncludes(text: string, files: OtherFiles | undefined): Directive[] {
  const dump = dumpedFiles(text)
  const [main] = dump
  if (!main) return new Includes(files, (path, line) => ({ file: path, line })).of(nginxDirectives(text), [])
  const folder = main.path.replace(/[^/]*$/, '')
  const ofDump: OtherFiles = {
    find(pattern) {
      const expression = globExpression(pattern.startsWith('/') ? pattern : folder + pattern)
      const found = dump.filter(({ path }) => expression.test(path))
      return found.length > 0 || /[*?[]/.test(pattern) ? found : 'it is not in the output of nginx -T'
    },
  }
  const includes = new Includes(ofDump, (_path, line) => line)
  return includes.of(includes.directivesOf(main), [main.path])
}

function dumpedFiles(text: string): OtherFile[] {
  const heads = [...text.matchAll(DUMPED)]
  const lineAt = (index: number) => text.slice(0, index).split('\n').length
  return heads.map(({ index, 0: head, 1: path }, i) => {
    const start = index + head.length
    return { path: path!, text: text.slice(start, heads[i + 1]?.index), firstLine: lineAt(start) }
  })
}

/** Of a pattern of glob(7), for whole paths. */
export function globExpression(pattern: string): RegExp {
  const source = pattern.replace(/\[!|[.+^${}()|\\]|\*|\?/g, (mark) => {
    if (mark === '*') return '[^/]*'
    if (mark === '?') return '[^/]'
    return mark === '[!' ? '[^' : `\\${mark}`
  })
  try {
    return new RegExp(`^${source}$`)
  } catch {
    return /^[^]$/
  }
}

class Includes {
  readonly #files: OtherFiles | undefined
  readonly #placeOf: (path: string, line: number) => Place
  #count = 0

  constructor(files: OtherFiles | undefined, placeOf: (path: string, line: number) => Place) {
    this.#files = files
    this.#placeOf = placeOf
  }

  directivesOf({ path, text, firstLine = 1 }: OtherFile): Directive[] {
    return nginxDirectives(text, (line) => this.#placeOf(path, line + firstLine - 1))
  }

  /** @param around the files that include this one */
  of(block: readonly Directive[], around: readonly string[]): Directive[] {
    return block.flatMap((directive) => {
      const { name, args, block: inner, line } = directive
      if (name !== 'include') return [inner ? { ...directive, block: this.of(inner, around) } : directive]
      if (args.length !== 1) throw new UnreadableLimits(line, 'include has one file')
      return this.#included(args[0]!, line, around)
    })
  }

  #included(pattern: string, line: Place, around: readonly string[]): Directive[] {
    const found = this.#files?.find(pattern) ?? 'there is no folder to look for it'
    if (typeof found === 'string') {
      if (HARMLESS.test(pattern)) return []
      throw new UnreadableLimits(line, `include ${pattern.slice(0, 200)} cannot be read: ${found}`)
    }
    if (around.length >= MAX_DEPTH)
      throw new UnreadableLimits(line, `more than ${MAX_DEPTH} files include each other`)
    this.#count += found.length
    if (this.#count > MAX_FILES) throw new UnreadableLimits(line, `more than ${MAX_FILES} files are included`)
    return found.flatMap((file) => {
      if (around.includes(file.path)) throw new UnreadableLimits(line, `${file.path} includes itself`)
      return HARMLESS.test(file.path) ? [] : this.of(this.directivesOf(file), [...around, file.path])
    })
  }
}
