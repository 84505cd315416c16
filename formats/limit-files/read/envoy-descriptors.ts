import { headerMatch, headerValue } from './envoy-match.js'
import { UnreadableLimits, type SeenRequest } from './limits.js'
import { networkKey } from './network-matcher.js'
import { at, fieldsOf, lineOf, type YamlNode } from './yaml-nodes.js'

/** An entry of a descriptor that a request sends. */
export interface Entry {
  readonly key: string
  readonly value: string
}

/** @returns null: the request sends no such descriptor */
export type DescriptorOf = (request: SeenRequest) => readonly Entry[] | null
type EntryOf = (request: SeenRequest) => Entry | 'skipped' | null

/** What `rate_limits` of a route, a virtual host or the filter make of a request. @throws UnreadableLimits */
export function descriptorsOf(list: YamlNode | undefined, stage: number): DescriptorOf[] {
  return (list?.items ?? []).flatMap((node): DescriptorOf[] => {
    if (Number(at(node, 'stage')?.value ?? 0) !== stage) return []
    for (const name of ['limit', 'hits_addend', 'apply_on_stream_done']) {
      const found = at(node, name)
      if (found) throw new UnreadableLimits(lineOf(found), `${name} of rate_limits is not understood`)
    }
    const actions = (at(node, 'actions')?.items ?? []).map(entryOf)
    return [
      (request) => {
        const entries: Entry[] = []
        for (const action of actions) {
          const entry = action(request)
          if (entry === null) return null
          if (entry !== 'skipped') entries.push(entry)
        }
        return entries.length > 0 ? entries : null
      },
    ]
  })
}

function entryOf(action: YamlNode): EntryOf {
  const [[kind, settings] = ['', action]] = fieldsOf(action)
  const text = (name: string) => {
    const value = at(settings, name)?.value
    return typeof value === 'string' ? value : undefined
  }
  if (kind === 'remote_address')
    return ({ address }) => (address === '' ? null : { key: kind, value: address })
  if (kind === 'masked_remote_address') {
    const bits = (name: string, all: number) => Number(at(settings, name)?.value ?? all)
    const [v4, v6] = [bits('v4_prefix_mask_len', 32), bits('v6_prefix_mask_len', 128)]
    return ({ address }) => (address === '' ? null : { key: kind, value: networkKey(address, v4, v6) })
  }
  if (kind === 'generic_key') {
    const entry = { key: text('descriptor_key') ?? kind, value: text('descriptor_value') ?? '' }
    return () => entry
  }
  if (kind === 'request_headers') {
    const name = text('header_name') ?? ''
    const value = headerValue(name)
    if (value === null)
      throw new UnreadableLimits(lineOf(settings), `a log does not tell the header ${name.slice(0, 80)}`)
    const absent = at(settings, 'skip_if_absent')?.value === true ? 'skipped' : null
    return (request) => {
      const found = value(request)
      return found === '' ? absent : { key: text('descriptor_key') ?? '', value: found }
    }
  }
  if (kind === 'header_value_match') {
    const tests = (at(settings, 'headers')?.items ?? []).map(headerMatch)
    const isExpected = at(settings, 'expect_match')?.value !== false
    const entry = { key: text('descriptor_key') ?? 'header_match', value: text('descriptor_value') ?? '' }
    return (request) => (tests.every((test) => test(request)) === isExpected ? entry : null)
  }
  throw new UnreadableLimits(lineOf(settings), `the action ${kind.slice(0, 80)} cannot be told from a log`)
}

/** Whether a descriptor of a file fits what a request sends; an empty value fits any. */
export function fits(own: readonly Entry[], sent: readonly Entry[]): boolean {
  return (
    own.length === sent.length &&
    own.every(({ key, value }, i) => key === sent[i]!.key && (value === '' || value === sent[i]!.value))
  )
}
