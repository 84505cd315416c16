/** The events of a whole stream of server-sent events, with their data read as JSON. */
export function eventsOf<T>(text: string): { name: string; data: T }[] {
  return text
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) => {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(block)!
      return { name: name!, data: JSON.parse(data!) as T }
    })
}
