import type { Episode } from './episode.js'
import { NO_FLAPS, type Flaps } from './flapping.js'
import type { SourceBaseline } from './source-baseline.js'
import type { StreamState } from './stream-state.js'
import type { SourceMemory } from './streams.js'

/** The version of the stored form. */
const VERSION = 3

/** A baseline under its stored names. */
interface StoredBaseline extends Pick<SourceBaseline, 'level' | 'spread' | 'minutes'> {
  readonly base: SourceBaseline['startLevel']
  readonly isWhole: SourceBaseline['isGateway']
  readonly first: SourceBaseline['warmUp']
}

/** A state of a release before severity followed the harm has no harm, and one of a release before flapping no flaps. */
interface StoredState extends Omit<StreamState, 'baseline' | 'harm' | 'flaps' | 'episode'> {
  readonly own: StoredBaseline
  readonly harm?: number
  readonly flaps?: Flaps
  readonly episode: (Omit<Episode, 'harm'> & { readonly harm?: number }) | null
}

interface StoredMemory {
  readonly version: number
  readonly window: SourceMemory['window']
  readonly state: StoredState
  readonly before: StoredState
}

/** The memory of a source as plain JSON, as it is stored. */
export function memoryToState({ window, state, before }: SourceMemory): object {
  return {
    version: VERSION,
    window,
    state: streamToState(state),
    before: streamToState(before),
  } satisfies StoredMemory
}

/**
 * The memory of a source from its stored form. It is trusted: only this service writes it.
 * @returns null when another release stored it in another form
 */
export function memoryFromState(stored: unknown): SourceMemory | null {
  const { version, window, state, before } = stored as StoredMemory
  if (version !== VERSION) return null
  return { window, state: streamFromState(state), before: streamFromState(before) }
}

function streamToState({ baseline, ...state }: StreamState): StoredState {
  const { level, startLevel, spread, minutes, isGateway, warmUp } = baseline
  return { ...state, own: { level, base: startLevel, spread, minutes, isWhole: isGateway, first: warmUp } }
}

function streamFromState({ own, harm = 0, flaps = NO_FLAPS, episode, ...state }: StoredState): StreamState {
  const { level, base, spread, minutes, isWhole, first } = own
  return {
    ...state,
    harm,
    flaps,
    episode: episode && { ...episode, harm: episode.harm ?? 0 },
    baseline: { level, startLevel: base, spread, minutes, isGateway: isWhole, warmUp: first },
  }
}
