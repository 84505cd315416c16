/** What a span is about. */
export type SpanFacts = Readonly<Record<string, string | number | boolean>>

/** Does work inside of a span. */
export type Tracer = <T>(name: string, facts: SpanFacts, work: () => Promise<T>) => Promise<T>

let tracer: Tracer | undefined

/** Work that traces show as a span of its own. Without traces, it is the work alone. */
export function traced<T>(name: string, facts: SpanFacts, work: () => Promise<T>): Promise<T> {
  return tracer === undefined ? work() : tracer(name, facts, work)
}

/** From now on, spans go there; undefined ends that. */
export function setTracer(next: Tracer | undefined): void {
  tracer = next
}
