import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What people read: the README first, since it is read first. */
export const DOCUMENTS: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'client/README.md',
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name))
    .sort(),
]

/** A fenced block of code. */
export interface Block {
  readonly document: string
  /** Of its fence, from 1. */
  readonly line: number
  readonly language: string
  readonly text: string
  /** Why the tests leave it, when a comment right before it says so. */
  readonly notRun: string | null
}

/** Why a block may be left: what it needs, and what it has to be about. */
const REASONS: Readonly<Record<string, RegExp>> = {
  'needs Docker': /\b(?:docker|buildah|podman)\b/,
  'needs a cluster': /\bkubectl\b/,
  'needs Prometheus': /\bpromtool\b/,
}

export function read(document: string): string {
  return readFileSync(document, 'utf8')
}

/** @throws Error when a block is left for a reason that is none */
export function blocksOf(document: string): Block[] {
  const lines = read(document).split('\n')
  const blocks: Block[] = []
  for (let i = 0; i < lines.length; i++) {
    const [, indent = '', language] = /^( *)```(.*)$/.exec(lines[i]!) ?? []
    if (language === undefined) continue
    const end = lines.findIndex((line, at) => at > i && line.trim() === '```')
    const text = lines.slice(i + 1, end).map((line) => line.slice(indent.length))
    const [, notRun = null] = /^ *<!-- not run: (.*) -->$/.exec(lines[i - 1] ?? '') ?? []
    const block = { document, line: i + 1, language, text: text.join('\n'), notRun }
    if (notRun !== null && !REASONS[notRun]?.test(block.text)) {
      throw new Error(`${placeOf(block)} is not run for no good reason: ${notRun}`)
    }
    blocks.push(block)
    i = end
  }
  return blocks
}

export function placeOf({ document, line }: Pick<Block, 'document' | 'line'>): string {
  return `${document}:${line}`
}

/** Those of some languages that the tests can run, of all documents. */
export function runnable(...languages: readonly string[]): Block[] {
  return DOCUMENTS.flatMap(blocksOf).filter(
    ({ language, notRun }) => notRun === null && languages.includes(language),
  )
}

/** The text without what is in blocks or between backticks. */
export function proseOf(document: string): string {
  return read(document)
    .replace(/^( *)```[^]*?^ *```$/gm, '')
    .replace(/`[^`\n]*`/g, (code) => code.replace(/[^`]/g, 'x'))
}

/** Cells of the rows of the tables whose header begins with some cell, without the header. */
export function tableRows(document: string, firstHeader: string): string[][] {
  const cells = (line: string) =>
    line
      .trim()
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim())
  const rows: string[][] = []
  let inTable = false
  for (const line of read(document).split('\n')) {
    const isRow = /^ *\|.*\|$/.test(line)
    if (inTable && isRow && !/^[\s|:-]+$/.test(line)) rows.push(cells(line))
    inTable = isRow && (inTable || cells(line)[0] === firstHeader)
  }
  return rows
}

/** The texts between backticks in a cell. */
export function codesIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code!)
}
