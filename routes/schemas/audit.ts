import { Type } from '@sinclair/typebox'
import { AUDIT_ENTRY } from './examples/audit.js'
import { nullable, oneOf, ref, timestamp, endTime } from './types.js'

const OUTCOMES = ['pending', 'done', 'refused', 'failed'] as const
const ACTORS = ['key', 'anonymous', 'service'] as const

const text = (description: string) => nullable(Type.String(), { description })

const AuditEntry = Type.Object(
  {
    id: Type.String({ description: 'Id of the entry.' }),
    at: timestamp('When the request came.'),
    actor: oneOf([...ACTORS], {
      description:
        'Who did it: a caller with a key or a token, one without, or the service by itself (for example when the time of a limit is over).',
    }),
    caller: text('The name of the key, or the subject of the token. Null without one.'),
    role: text('The role that allowed it. Null for the service.'),
    operation: Type.String({ description: 'What was done: the operationId of this document.' }),
    target: nullable(Type.Record(Type.String(), Type.Unknown()), {
      description: 'The parameters of the path, for example the id of an incident. Null without any.',
    }),
    input: nullable(Type.Record(Type.String(), Type.Unknown()), {
      description: 'A summary of the query and the body, without secrets; facts, where it was the service.',
    }),
    address: text('The address that the request came from. Null for the service.'),
    forwarded_for: text('X-Forwarded-For, as a proxy or the caller itself wrote it. Null without it.'),
    user_agent: text('The User-Agent, its first 200 characters. Null without it.'),
    request_id: text('The id of the request. Null for the service.'),
    outcome: oneOf([...OUTCOMES], {
      description:
        'done; refused (status 400 to 499); failed (500 and above); pending while it is under way, and where the service ended before it answered.',
    }),
    status: nullable(Type.Integer(), { description: 'Status of the answer. Null while there is none.' }),
    code: text('Code of the failure. Null without one.'),
  },
  { $id: 'AuditEntry', description: 'Who changed what, when and from where.', examples: [AUDIT_ENTRY] },
)

export const AuditPage = Type.Object(
  {
    entries: Type.Array(ref(AuditEntry), { description: 'The entries, the newest first.' }),
    next: nullable(Type.String(), {
      description: 'Give it as `next` for the following page. Null on the last one.',
    }),
  },
  {
    $id: 'AuditPage',
    description: 'A page of the audit log.',
    examples: [{ entries: [AUDIT_ENTRY], next: null }],
  },
)

export const AuditQuery = Type.Object({
  since: Type.Optional(timestamp('Only entries at this time or later.')),
  until: Type.Optional(endTime('Only entries before this time.')),
  caller: Type.Optional(
    Type.String({
      ...{ minLength: 1, maxLength: 255, format: 'printable' },
      description: 'Only entries of this caller.',
    }),
  ),
  actor: Type.Optional(oneOf([...ACTORS], { description: 'Only entries of callers of this kind.' })),
  operation: Type.Optional(
    Type.String({
      ...{ minLength: 1, maxLength: 64, pattern: '^[A-Za-z]+$' },
      description: 'Only entries of this operation, as activateModel.',
    }),
  ),
  outcome: Type.Optional(oneOf([...OUTCOMES], { description: 'Only entries with this outcome.' })),
  limit: Type.Optional(
    Type.Integer({
      ...{ minimum: 1, maximum: 500 },
      description: 'Maximum number of entries, 1 to 500. Default: 50.',
    }),
  ),
  next: Type.Optional(
    Type.String({
      ...{ minLength: 3, maxLength: 40, pattern: '^[0-9a-z]{1,11}-[0-9]{1,18}$' },
      description: 'Where the page begins: `next` of the page before.',
    }),
  ),
})

export const auditSchemas = [AuditEntry, AuditPage]
