import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import t from 'tap'
import { DOCUMENTS, proseOf, read } from './documents.js'

t.test('every link leads somewhere', (t) => {
  for (const document of DOCUMENTS) {
    for (const target of linksOf(document)) {
      const [path = '', anchor] = target.split('#', 2)
      const file = path === '' ? document : normalize(join(dirname(document), path))
      t.ok(existsSync(file), `${document} links to ${target}`)
      if (anchor !== undefined && existsSync(file)) {
        t.ok(anchorsOf(file).includes(anchor), `${document} links to ${target}, which has that heading`)
      }
    }
  }
  t.end()
})

function linksOf(document: string): string[] {
  const targets = [...proseOf(document).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!)
  return targets.filter((target) => !/^[a-z]+:/.test(target))
}

/** As GitHub makes them of headings. */
function anchorsOf(document: string): string[] {
  const headings = [...read(document).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading!)
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  )
}
