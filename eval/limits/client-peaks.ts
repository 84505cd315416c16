import type { Requests } from './events.js'

interface ClientPeak {
  /** Requests in the client's busiest minute and hour of the clock. */
  minute: number
  hour: number
  requests: number
}

/** The busiest minute and hour of every client with requests, by direct counting. */
export function clientPeaks({ timeMs, client }: Pick<Requests, 'timeMs' | 'client'>): ClientPeak[] {
  const open = new Map<number, ClientPeak & { inMinute: number; inHour: number; at: number }>()
  for (let i = 0; i < timeMs.length; i++) {
    const minute = Math.floor(timeMs[i]! / 60_000)
    let peak = open.get(client[i]!)
    if (!peak)
      open.set(client[i]!, (peak = { minute: 0, hour: 0, requests: 0, inMinute: 0, inHour: 0, at: -60 }))
    if (Math.floor(minute / 60) !== Math.floor(peak.at / 60)) peak.inHour = 0
    if (minute !== peak.at) peak.inMinute = 0
    peak.at = minute
    peak.requests++
    peak.minute = Math.max(peak.minute, ++peak.inMinute)
    peak.hour = Math.max(peak.hour, ++peak.inHour)
  }
  return [...open.values()]
}
