import { resolve } from 'node:path'
import ts from 'typescript'
import { placeOf, type Block } from './documents.js'

/** The name in the first line of a block that is a whole program: `// gateway.js`. */
export function programName({ text }: Block): string | undefined {
  return /^\/\/ ([\w-]+\.[jt]s)$/m.exec(text.split('\n', 1)[0]!)?.[1]
}

/** What node runs of a block. */
export function toJavaScript({ text, language }: Block): string {
  if (language === 'js') return text
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext }
  return ts.transpileModule(text, { compilerOptions }).outputText
}

/** What the type checker has against blocks, each a module of its own, as strictly as a gateway may be checked. */
export function typeErrors(blocks: readonly Block[]): string[] {
  const files = new Map(
    blocks.map((block, i) => [resolve(`snippet-${i}.${block.language === 'ts' ? 'mts' : 'mjs'}`), block]),
  )
  const options: ts.CompilerOptions = {
    ...{ strict: true, exactOptionalPropertyTypes: true, allowJs: true, checkJs: true, noEmit: true },
    ...{ skipLibCheck: true, target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext },
    types: ['node'],
  }
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists } = host
  host.fileExists = (name) => files.has(name) || fileExists(name)
  host.getSourceFile = (name, ...rest) => {
    const block = files.get(name)
    return block
      ? ts.createSourceFile(name, block.text, ts.ScriptTarget.ES2022)
      : getSourceFile(name, ...rest)
  }
  const program = ts.createProgram([...files.keys()], options, host)
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const block = file && files.get(file.fileName)
    const line = file && file.getLineAndCharacterOfPosition(start).line + 1
    const place = block ? placeOf({ ...block, line: block.line + line! }) : file?.fileName
    return `${place}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
  })
}
