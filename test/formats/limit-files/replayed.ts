import type { OtherFiles, SeenRequest } from '../../../formats/limit-files/read/limits.js'
import { readLimits, type CheckedGateway } from '../../../formats/limit-files/read/read-limits.js'
import { LimitReplay } from '../../../scripts/check/replay.js'

export const seen = (target: string, more: Partial<SeenRequest> = {}): SeenRequest => ({
  ...{ timeMs: 1_000_000, method: 'GET', target, path: target.split('?', 1)[0]!, address: '127.0.0.2' },
  ...{ user: '', agent: '' },
  ...more,
})

export const times = (count: number, target: string, more?: Partial<SeenRequest>) =>
  Array.from({ length: count }, () => seen(target, more))

/** Files by their path. */
export const filesOf = (files: Readonly<Record<string, string>>): OtherFiles => ({
  find: (pattern) => {
    const paths = Object.keys(files).filter(
      (path) => path === pattern || (pattern.includes('*') && path.startsWith(pattern.split('*', 1)[0]!)),
    )
    return paths.length > 0 ? paths.map((path) => ({ path, text: files[path]! })) : 'the file does not exist'
  },
})

interface Options {
  readonly files?: Readonly<Record<string, string>>
  readonly server?: string
  readonly gateway?: CheckedGateway
}

/** How many requests pass the limits of a file. */
export function passed(
  text: string,
  requests: readonly SeenRequest[],
  { files, server, gateway }: Options = {},
): number {
  const replay = new LimitReplay(readLimits(text, gateway, { server, files: files && filesOf(files) }))
  for (const request of requests) replay.push(request)
  return replay.total.requests - replay.total.rejected
}
