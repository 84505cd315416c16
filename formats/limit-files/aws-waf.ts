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
import { isTemplate, pathPattern, pathPatterns } from './path-pattern.js'
import { terraformText } from './terraform-text.js'

const CAN = { longWindow: false, failures: false, distinctPaths: false }
/** Of a regular expression, and of a rule's limit, as AWS WAF has them. */
const MAX_PATTERN = 512
const MIN_LIMIT = 10
/** Of a rule group. */
const MAX_RULES = 100
const MAX_CAPACITY = 5000

/**
 * A rule group of AWS WAF as Terraform: a rate-based rule for each limit over a minute of each address, with a
 * scope-down statement for the path. The action counts and rejects nothing.
 */
export function awsWafFile(entries: readonly RateLimitEntry[], head: FileHead): string {
  const plan = limitPlan(entries)
  const rules = [...plan.gateway, ...plan.endpoints]
  const capacity = rules.reduce((sum, entry) => sum + capacityOf(entry), 0)
  const lines = [
    ...headLines(head).map((line) => `# ${line}`),
    '# For AWS WAF. Capacity: raise it when AWS asks for more. Windows are sliding: there is no burst, and the least limit is',
    '# 10. A rule reacts within about half a minute. Paths are matched as they come, with their case and last slash.',
    '# count {}: requests over a limit are only counted. Put block {} in to enforce the limits.',
    `# ${restInWords({ ...plan, other: null })}`,
    ...(rules.length > MAX_RULES || capacity > MAX_CAPACITY
      ? [
          `# AWS WAF takes ${MAX_RULES} rules and a capacity of ${MAX_CAPACITY} in a group. These are ${rules.length} rules with a capacity of about ${capacity}:`,
          '# ask for fewer endpoints (prefix, min_requests), or split the group.',
        ]
      : []),
    ...entries.flatMap((entry) => remarks(entry).map((line) => `# ${line}`)),
    ...addressSets(entries),
    'resource "aws_wafv2_rule_group" "aegis_limits" {',
    '  name     = "aegis-limits"',
    '  scope    = "REGIONAL"',
    `  capacity = ${Math.max(1, capacity)}`,
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
  return isTemplate(path) && pathPatterns(path, 'bytes', 'raw', MAX_PATTERN - 2) === null
}

/** Several, any of which may match: AWS WAF has neither long expressions nor every lookahead. */
function patternsOf(path: string): string[] {
  const wide = pathPattern(path.replaceAll('{id}', '{any}'), 'bytes', 'raw')
  const patterns = pathPatterns(path, 'bytes', 'raw', MAX_PATTERN - 2) ?? [wide]
  return patterns.map((pattern) => `^${pattern}$`)
}

/** About what AWS WAF counts: 2 for the rate, 3 for each expression, 2 for the method and 1 for each set. */
function capacityOf(entry: RateLimitEntry): number {
  const patterns = entry.scope === 'gateway-client' ? 0 : patternsOf(entry.path).length
  return 2 + 3 * patterns + (entry.method === null ? 0 : 2) + setsOf(entry, 0).length
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
          anyOf(
            patternsOf(path).map((pattern) => [
              'regex_match_statement {',
              `  regex_string = ${terraformText(pattern)}`,
              ...field('uri_path'),
            ]),
          ),
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

function anyOf(statements: readonly string[][]): string[] {
  return statements.length === 1 ? statements[0]! : joined('or_statement', statements)
}

function both(statements: readonly string[][]): string[] {
  const lines = statements.length === 1 ? statements[0]! : joined('and_statement', statements)
  return lines.map((line) => `          ${line}`)
}

function joined(name: string, statements: readonly string[][]): string[] {
  return [
    `${name} {`,
    ...statements.flatMap((lines) => ['  statement {', ...lines.map((line) => `    ${line}`), '  }']),
    '}',
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
