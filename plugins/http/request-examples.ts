interface Document {
  paths?: Record<string, Record<string, { requestBody?: { content?: Record<string, Content> } }>>
  components?: { schemas?: Record<string, { examples?: readonly object[] }> }
}

interface Content {
  schema?: { $ref?: string }
  examples?: Record<string, { summary: string; value: object }>
}

/** Lists the examples of a body beside its schema, where it has several: Swagger UI lets its reader choose among them. */
export function addRequestExamples<T extends object>(openapi: T): T {
  const { paths = {}, components } = openapi as Document
  for (const { requestBody } of Object.values(paths).flatMap((path) => Object.values(path))) {
    const json = requestBody?.content?.['application/json']
    const name = json?.schema?.$ref?.split('/').at(-1) ?? ''
    const { examples = [] } = components?.schemas?.[name] ?? {}
    if (json && examples.length > 1) json.examples = Object.fromEntries(examples.map(named))
  }
  return openapi
}

/** The summary is the fields that the example has. */
function named(value: object, place: number): [string, { summary: string; value: object }] {
  return [`example-${place + 1}`, { summary: Object.keys(value).join(', '), value }]
}
