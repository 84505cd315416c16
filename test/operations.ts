import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

interface Operation {
  operationId: string
  requestBody?: { content: Record<string, unknown> }
}

const { paths } = parse(readFileSync('openapi.yaml', 'utf8')) as {
  paths: Record<string, Record<string, Operation>>
}

/** Every operation of the contract, with an address at which it can be asked. */
export const OPERATIONS = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { requestBody }]) => ({
    method: method.toUpperCase() as 'GET' | 'POST' | 'PUT' | 'DELETE',
    url: path.replace(/\{\w+\}/g, '1'),
    takesBody: requestBody !== undefined,
  })),
)
