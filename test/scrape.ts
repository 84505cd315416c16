import type { Service } from './service.js'

/** An answer of GET /metrics. */
export interface Scraped {
  readonly text: string
  /** The families, by name. */
  readonly types: ReadonlyMap<string, string>
  /** Of a sample, as it is written. */
  value(sample: string): number
}

export async function scrape(
  { app }: Pick<Service, 'app'>,
  headers: Record<string, string> = {},
): Promise<Scraped> {
  const { statusCode, body: text } = await app.inject({ url: '/metrics', headers })
  if (statusCode !== 200) throw new Error(text)
  const types = new Map([...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => [name!, type!]))
  const lines = new Map(
    text.split('\n').map((line): [string, number] => {
      const end = line.lastIndexOf(' ')
      return [line.slice(0, end), Number(line.slice(end))]
    }),
  )
  return { text, types, value: (sample) => lines.get(sample) ?? NaN }
}
