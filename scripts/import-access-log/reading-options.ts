import type { Command } from 'commander'
import { AUTO, clientRule, CLIENT_RULES, type ClientRule } from '../../formats/access-log/client-rule.js'
import type { JsonNames } from '../../formats/access-log/json-fields.js'
import { JSON_FIELDS, type JsonField } from '../../formats/access-log/json-names.js'
import { PLAIN_READING } from '../../formats/access-log/log-entry.js'
import { formatOfName, LOG_FORMATS } from '../../formats/access-log/log-format.js'
import { LogFormatError } from '../../formats/access-log/text/pieces.js'
import { createFormatParser } from '../../formats/access-log/text/text-line.js'
import { localTimeOf } from '../../models/seasonality/local-time.js'
import { UsageError } from '../cli/errors.js'
import type { LogReaderOptions } from './log-reader.js'

/** How logs are read, as the options of a command say. */
export interface ReadingFlags {
  readonly format?: string
  readonly logFormat?: string
  readonly client?: ClientRule
  readonly field?: JsonNames
  readonly timeZone?: string
}

const SERVERS = LOG_FORMATS.filter((name) => !['clf', 'vhost', 'json', 'w3c'].includes(name))

/** Adds the options of {@link ReadingFlags} to a command. */
export function addReadingOptions(command: Command): Command {
  return command
    .option(
      '--format <format>',
      'clf: common or combined log format, with or without $request_time; vhost: the same with the virtual host ' +
        'first; json: one JSON object per line; w3c: with a header that names the fields; or a server: ' +
        `${SERVERS.join(', ')} (default: detected from the first lines)`,
      formatName,
    )
    .option(
      '--log-format <format>',
      "the server's log format, in the syntax of NGINX ($remote_addr), Apache (%h), HAProxy (%ci), Envoy (%REQ(:PATH)%), " +
        'Gunicorn or morgan, also as a JSON object; or the name of a format',
      logFormat,
    )
    .option(
      '--client <rule>',
      `the address that is the client's: ${CLIENT_RULES} (default: that of the connection, or the first of ` +
        'X-Forwarded-For where there is no other)',
      (text: string) => clientRule(text) ?? refuseRule(text),
    )
    .option(
      '--time-zone <zone>',
      'the zone of times that have none, as an IANA name such as Europe/Berlin (default: UTC)',
      timeZone,
    )
    .option(
      '--field <field=name>',
      'name of a field in JSON lines; a.b means field b of object a; repeatable',
      addName,
    )
}

export function readingOf(flags: ReadingFlags): LogReaderOptions {
  const named = flags.logFormat === undefined ? undefined : formatOfName(flags.logFormat)
  return {
    name: flags.format ?? named,
    text: named === undefined ? flags.logFormat : undefined,
    names: flags.field ?? {},
    client: flags.client ?? AUTO,
    timeZone: flags.timeZone,
  }
}

function formatName(text: string): string {
  const name = formatOfName(text)
  if (name !== undefined) return name
  throw new UsageError(
    `--format is ${JSON.stringify(text.slice(0, 80))}; allowed is one of ${LOG_FORMATS.join(', ')}. ` +
      'For any other format give --log-format.',
  )
}

/** Checks a format before the first file is read. */
function logFormat(text: string): string {
  if (formatOfName(text) !== undefined) return text
  try {
    createFormatParser(text, PLAIN_READING)
    return text
  } catch (error) {
    if (!(error instanceof LogFormatError)) throw error
    throw new UsageError(`--log-format cannot be used: ${error.message}.`)
  }
}

function timeZone(text: string): string {
  try {
    localTimeOf(text)
    return text
  } catch {
    throw new UsageError(
      `--time-zone is ${JSON.stringify(text.slice(0, 80))}; allowed is an IANA name such as Europe/Berlin.`,
    )
  }
}

function refuseRule(text: string): never {
  throw new UsageError(`--client is ${JSON.stringify(text.slice(0, 80))}; allowed is ${CLIENT_RULES}.`)
}

/** Parses a value of --field and adds it to those before. */
function addName(text: string, names: JsonNames = {}): JsonNames {
  const [, field, name] = /^([^=]+)=(.+)$/.exec(text) ?? []
  if (name !== undefined && JSON_FIELDS.includes(field as JsonField)) return { ...names, [field!]: name }
  const allowed = `a field and its name, such as timestamp=when; fields are ${JSON_FIELDS.join(', ')}`
  throw new UsageError(`--field is ${JSON.stringify(text.slice(0, 80))}; allowed is ${allowed}.`)
}
