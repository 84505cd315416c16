import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'

/** The identity provider would have to be asked about a token, and it does not answer. */
export class ProviderAwayError extends Error {}

export interface ProviderTimes {
  /** Time limit of a request. */
  readonly timeoutMs: number
  /** How often the keys are fetched without a reason. */
  readonly refreshMs: number
  /** How long after a fetch an unknown key is not looked for. */
  readonly cooldownMs: number
  /** How long after a fetch that failed there is no other. */
  readonly failurePauseMs: number
}

export const PROVIDER_TIMES: ProviderTimes = {
  timeoutMs: 5_000,
  refreshMs: 5 * 60_000,
  cooldownMs: 30_000,
  failurePauseMs: 5_000,
}

const MAX_BYTES = 1_048_576

export interface ProviderKeys {
  /** @throws ProviderAwayError; an error of jose when the provider has no such key */
  readonly keyOf: JWTVerifyGetKey
  stop(): void
}

/**
 * The public keys of an identity provider: fetched now, at intervals, and when a token names an unknown one. While the
 * provider is away, the known keys stay valid.
 *
 * @param onFailure called once until a fetch succeeds again
 */
export function watchProviderKeys(
  url: URL,
  { timeoutMs, refreshMs, cooldownMs, failurePauseMs }: ProviderTimes,
  onFailure: (error: Error) => void,
): ProviderKeys {
  let known: JWTVerifyGetKey | undefined
  let failure: Error | undefined
  let waitUntilMs = 0
  let fetching: Promise<void> | undefined

  const fetchNow = async (): Promise<void> => {
    try {
      known = createLocalJWKSet(await fetchKeys(url, timeoutMs))
      failure = undefined
      waitUntilMs = performance.now() + cooldownMs
    } catch (error) {
      if (!failure) onFailure(error as Error)
      failure = error as Error
      waitUntilMs = performance.now() + failurePauseMs
    }
  }
  const refresh = () => (fetching ??= fetchNow().finally(() => (fetching = undefined)))
  void refresh()
  const timer = setInterval(() => void refresh(), refreshMs).unref()
  return {
    async keyOf(header, token) {
      try {
        if (known) return await known(header, token)
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      }
      if (fetching || performance.now() >= waitUntilMs) await refresh()
      if (!known || failure) throw new ProviderAwayError('the identity provider is away', { cause: failure })
      return known(header, token)
    },
    stop: () => clearInterval(timer),
  }
}

/** @throws Error when the provider does not answer in time, or not with a set of keys */
async function fetchKeys(url: URL, timeoutMs: number): Promise<JSONWebKeySet> {
  const response = await fetch(url, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  })
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += piece.length
    if (bytes > MAX_BYTES) throw new Error(`the answer has more than ${MAX_BYTES} bytes`)
    pieces.push(piece)
  }
  if (response.status !== 200) throw new Error(`the answer has status ${response.status}`)
  return JSON.parse(Buffer.concat(pieces).toString('utf8')) as JSONWebKeySet
}
