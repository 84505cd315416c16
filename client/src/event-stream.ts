/** A server-sent event. */
export interface ServerEvent {
  readonly id: string | undefined
  readonly event: string | undefined
  readonly data: string
}

/** Yields each server-sent event that has data. Cancels the stream when the caller stops reading. */
export async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent, void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of body) {
    const events = (rest + decoder.decode(chunk, { stream: true })).split('\n\n')
    rest = events.pop()!
    for (const event of events) {
      const lines = event.split('\n')
      const valuesOf = (field: string) =>
        lines
          .filter((line) => line.startsWith(`${field}:`))
          .map((line) => line.slice(field.length + 1).trim())
      const data = valuesOf('data')
      if (data.length > 0) {
        yield { id: valuesOf('id').at(-1), event: valuesOf('event').at(-1), data: data.join('\n') }
      }
    }
  }
}
