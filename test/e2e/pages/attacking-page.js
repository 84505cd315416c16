/**
 * What a page can send to the service, without permission and after it has asked for it. Ways that tell the page
 * nothing (an image, a beacon) are seen in the log of the service.
 *
 * @param {string} service its address
 * @returns {Promise<Record<string, unknown>>} what the page could read, by the way
 */
globalThis.attack = async (service) => {
  const read = {}
  const attempt = async (name, get) => {
    const got = await get().catch(() => undefined)
    if (got !== undefined && got !== '') read[name] = got
  }
  const text = async (path, options) => (await fetch(`${service}${path}`, options)).text()
  const blindly = { method: 'POST', mode: 'no-cors' }
  const body = '{"wait": false}'
  const headers = { 'content-type': 'application/json' }
  const form = new URLSearchParams({ duration_hours: '1' })
  await attempt('read', () => text('/model/info'))
  await attempt('read blindly', () => text('/model/info', { mode: 'no-cors' }))
  await attempt('post', () => text('/train/synthetic', { method: 'POST' }))
  await attempt('post nothing', () => text('/model/reset', blindly))
  await attempt('post text', () => text('/train', { ...blindly, body }))
  await attempt('post a form', () => text('/generate/synthetic', { ...blindly, body: form }))
  await attempt('post rows', () => text('/ingest/requests', { ...blindly, body: '{"requests": []}' }))
  await attempt('post JSON', () => text('/train', { method: 'POST', headers, body }))
  await attempt('delete', () => text('/endpoints/rules', { method: 'DELETE' }))
  navigator.sendBeacon(`${service}/generate/synthetic`)
  navigator.sendBeacon(`${service}/train`, body)

  const load = (tag, properties) =>
    new Promise((resolve) => {
      const element = Object.assign(document.createElement(tag), properties)
      element.onload = () => resolve(element)
      element.onerror = () => resolve(undefined)
      document.body.append(element)
    })
  const isLoaded = async (tag, properties) => (await load(tag, properties)) && 'loaded'
  await attempt('image', () => isLoaded('img', { src: `${service}/version` }))
  await attempt('script', () => isLoaded('script', { src: `${service}/version` }))
  await attempt('style', () =>
    isLoaded('link', { rel: 'stylesheet', href: `${service}/docs/static/index.css` }),
  )
  // The page that a browser shows in place of a refused one is loaded too.
  await attempt('frame', async () => {
    const frame = await load('iframe', { src: `${service}/docs/` })
    return frame?.contentDocument?.body.textContent
  })

  const hears = (source) =>
    new Promise((resolve) => {
      for (const kind of ['open', 'message']) source.addEventListener(kind, () => resolve(kind))
      source.addEventListener('error', () => resolve(undefined))
    }).finally(() => source.close())
  await attempt('events', () => hears(new EventSource(`${service}/incidents/stream`)))
  await attempt('socket', () => hears(new WebSocket(`${service.replace('http', 'ws')}/version`)))
  return read
}
