import { asNetwork, ipNetwork } from './ip-network.js'
import {
  commentText,
  headLines,
  leftOut,
  safeName,
  type FileHead,
  type RateLimitEntry,
} from './limit-entry.js'
import { limitPlan, restInWords } from './limit-plan.js'
import { isTemplate, pathPattern } from './path-pattern.js'
import { terraformText } from './terraform-text.js'

const CAN = { longWindow: false, failures: false, distinctPaths: false }
/** Of a regular expression, and of a rule's limit, as AWS WAF has them. */
const MAX_PATTERN = 512
const MIN_LIMIT = 10

/**
 * A rule group of AWS WAF as Terraform: a rate-based rule for each limit over a minute of each address, with a
 * scope-down statement for the path. The action counts and rejects nothing.
 */
export function awsWafFile(entries: readonly RateLimitEntry[], head: FileHead): string {
  const plan = limitPlan(entries)
  const rules = [...plan.gateway, ...plan.endpoints]
  const lines = [
    ...headLines(head).map((line) => `# ${line}`),
    '# For AWS WAF. Capacity: raise it when AWS asks for more. Windows are sliding: there is no burst, and the least limit is',
    '# 10. A rule reacts within about half a minute. Paths are matched as they come, with their case and last slash.',
    '# count {}: requests over a limit are only counted. Put block {} in to enforce the limits.',
    `# ${restInWords({ ...plan, other: null })}`,
    ...entries.flatMap((entry) => remarks(entry).map((line) => `# ${line}`)),
    ...addressSets(entries),
    'resource "aws_wafv2_rule_group" "aegis_limits" {',
    '  name     = "aegis-limits"',
    '  scope    = "REGIONAL"',
    `  capacity = ${Math.max(1, rules.length * 12)}`,
    ...rules.flatMap((entry, place) => ruleLines(entry, place)),
    ...visibility('  ', 'aegis-limits'),
    '}',
  ]
  return `${lines.join('\n')}\n`
}

const networksOf = ({ exceptions }: RateLimitEntry) =>
  exceptions
    .flatMap(({ kind, client }) => (kind === 'address' ? (ipNetwork(client) ?? []) : []))
    .map(asNetwork)

function remarks(entry: RateLimitEntry): string[] {
  const { limit, path, endpoint, exceptions } = entry
  return [
    ...leftOut(entry, 'AWS WAF', CAN),
    ...(limit < MIN_LIMIT
      ? [`${limit} a minute is less than AWS WAF takes: ${MIN_LIMIT} (${commentText(endpoint)}).`]
      : []),
    ...(path === 'other' ? ['Left out, as rules cannot exclude the endpoints of others: other'] : []),
    ...(isWider(path)
      ? [
          `Its pattern is too long for AWS WAF: placeholders stand for any segment (${commentText(endpoint)}).`,
        ]
      : []),
    ...exceptions.map(({ client, kind, limit: own }) =>
      kind === 'address' && ipNetwork(client) !== null
        ? `Not limited by its rule: ${commentText(client)} (${own} a minute recommended).`
        : `Left out, as it is no address: ${commentText(client)}`,
    ),
  ]
}

/** Sets of addresses that the rules leave out, by the place of their rule. */
function addressSets(entries: readonly RateLimitEntry[]): string[] {
  const { gateway, endpoints } = limitPlan(entries)
  return [...gateway, ...endpoints].flatMap((entry, place) =>
    setsOf(entry, place).flatMap(({ name, version, networks }) => [
      `resource "aws_wafv2_ip_set" "${name}" {`,
      `  name               = "${name}"`,
      '  scope              = "REGIONAL"',
      `  ip_address_version = "${version}"`,
      `  addresses          = [${networks.map(terraformText).join(', ')}]`,
      '}',
    ]),
  )
}

function setsOf(entry: RateLimitEntry, place: number) {
  const networks = networksOf(entry)
  const v4 = networks.filter((network) => !network.includes(':'))
  const v6 = networks.filter((network) => network.includes(':'))
  return [
    { name: `aegis_programs_${place + 1}_v4`, version: 'IPV4', networks: v4 },
    { name: `aegis_programs_${place + 1}_v6`, version: 'IPV6', networks: v6 },
  ].filter((set) => set.networks.length > 0)
}

function isWider(path: string): boolean {
  return isTemplate(path) && patternOf(path, false).length > MAX_PATTERN
}

function patternOf(path: string, isWide: boolean): string {
  return `^${pathPattern(isWide ? path.replaceAll('{id}', '{any}') : path, 'bytes', 'raw')}$`
}

function ruleLines(entry: RateLimitEntry, place: number): string[] {
  const name = safeName(entry.endpoint, place)
  const aggregate = entry.scope === 'endpoint' ? 'CONSTANT' : 'IP'
  const statements = statementsOf(entry, place)
  const scopeDown = statements.length > 0 ? statements : aggregate === 'CONSTANT' ? [sized()] : []
  return [
    `  # ${commentText(entry.endpoint)}`,
    '  rule {',
    `    name     = "${name}"`,
    `    priority = ${place}`,
    '    action {',
    '      count {}',
    '    }',
    '    statement {',
    '      rate_based_statement {',
    `        limit                 = ${Math.max(MIN_LIMIT, entry.limit)}`,
    '        evaluation_window_sec = 60',
    `        aggregate_key_type    = "${aggregate}"`,
    ...(scopeDown.length === 0 ? [] : ['        scope_down_statement {', ...both(scopeDown), '        }']),
    '      }',
    '    }',
    ...visibility('    ', name),
    '  }',
  ]
}

const TEXT = ['text_transformation {', '  priority = 0', '  type     = "NONE"', '}']

/** A constant needs something to scope down to: any request has a path. */
const sized = () => [
  'size_constraint_statement {',
  '  comparison_operator = "GE"',
  '  size = 0',
  '  field_to_match {',
  '    uri_path {}',
  '  }',
  ...TEXT.map((line) => `  ${line}`),
  '}',
]

function statementsOf(entry: RateLimitEntry, place: number): string[][] {
  const { method, path, scope } = entry
  const field = (name: string) => [
    '  field_to_match {',
    `    ${name} {}`,
    '  }',
    ...TEXT.map((line) => `  ${line}`),
    '}',
  ]
  return [
    ...(scope === 'gateway-client'
      ? []
      : [
          [
            'regex_match_statement {',
            `  regex_string = ${terraformText(patternOf(path, isWider(path)))}`,
            ...field('uri_path'),
          ],
        ]),
    ...(method === null
      ? []
      : [
          [
            'byte_match_statement {',
            '  positional_constraint = "EXACTLY"',
            `  search_string = ${terraformText(method)}`,
            ...field('method'),
          ],
        ]),
    ...setsOf(entry, place).map(({ name }) => [
      'not_statement {',
      '  statement {',
      '    ip_set_reference_statement {',
      `      arn = aws_wafv2_ip_set.${name}.arn`,
      '    }',
      '  }',
      '}',
    ]),
  ]
}

function both(statements: readonly string[][]): string[] {
  if (statements.length === 1) return statements[0]!.map((line) => `          ${line}`)
  return [
    '          and_statement {',
    ...statements.flatMap((lines) => [
      '            statement {',
      ...lines.map((line) => `              ${line}`),
      '            }',
    ]),
    '          }',
  ]
}

function visibility(indent: string, name: string): string[] {
  return [
    'visibility_config {',
    '  cloudwatch_metrics_enabled = true',
    `  metric_name                = "${name}"`,
    '  sampled_requests_enabled   = true',
    '}',
  ].map((line) => indent + line)
}
