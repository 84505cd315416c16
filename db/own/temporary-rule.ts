import type { JSONValue, TransactionSql } from 'postgres'
import { tableShape } from '../table-columns.js'
import { ruleValues, uniqueKeys, type NewRule } from './rules.js'

// A rule of rate_limit_rules that is there for some time. What was there before is kept, and comes back.

type RuleColumns = Readonly<Record<string, string | number | boolean | null>>

/** What a rule was, and what it is now: the columns that were set. */
export interface PlacedRule {
  /** Null where there was none. */
  readonly before: RuleColumns | null
  readonly after: RuleColumns
}

interface FoundRule {
  readonly place: string
  readonly rule: RuleColumns
}

/** The rule in the place of a temporary one: of the same pattern and tier, or the only one that the table takes for the pattern. */
export async function ruleInPlace(
  tx: TransactionSql,
  { endpoint, tier }: Pick<NewRule, 'endpoint' | 'tier'>,
): Promise<FoundRule | undefined> {
  const { columns } = await tableShape(tx, 'rate_limit_rules')
  const find = async (condition = tx``) => {
    const [found] = await tx<FoundRule[]>`
      select ctid::text as place, to_jsonb(rate_limit_rules) as rule from rate_limit_rules
      where endpoint_pattern = ${endpoint} ${condition} limit 1 for update`
    return found
  }
  const same = await find(columns.has('tier') ? tx`and lower(tier) = lower(${tier})` : tx``)
  if (same) return same
  const keys = await uniqueKeys(tx)
  return keys.some((key) => key.columns.join() === 'endpoint_pattern') ? find() : undefined
}

/** Puts a rule in force for some time, in the place of the one that is there. */
export async function placeRule(
  tx: TransactionSql,
  rule: NewRule,
  inPlace: FoundRule | undefined,
): Promise<PlacedRule> {
  const { columns } = await tableShape(tx, 'rate_limit_rules')
  const room = columns.get('description')?.maxLength ?? Infinity
  const fitting = { ...rule, description: rule.description.slice(0, room) }
  const values = {
    ...ruleValues(fitting, (name) => columns.has(name)),
    ...(columns.has('tier') && { tier: rule.tier }),
  }
  const names = Object.keys(values).filter((name) => name !== 'updated_at')
  const [written] = inPlace
    ? await tx<{ rule: RuleColumns }[]>`
        update rate_limit_rules set ${tx(values)} where ctid = ${inPlace.place}::tid
        returning to_jsonb(rate_limit_rules) as rule`
    : await tx<{ rule: RuleColumns }[]>`
        insert into rate_limit_rules ${tx({ endpoint_pattern: rule.endpoint, ...values })}
        returning to_jsonb(rate_limit_rules) as rule`
  return { before: inPlace ? pick(inPlace.rule, names) : null, after: pick(written!.rule, names) }
}

/** `left`: somebody has changed or removed the rule meanwhile, and it stays as it is. */
export type Outcome = 'removed' | 'restored' | 'left'

/** Ends a temporary rule: what was there before comes back. */
export async function takeBackRule(
  tx: TransactionSql,
  endpoint: string,
  { before, after }: PlacedRule,
): Promise<Outcome> {
  const place = tx`ctid = (select ctid from rate_limit_rules where endpoint_pattern = ${endpoint}
    and to_jsonb(rate_limit_rules) @> ${tx.json(after as JSONValue)} limit 1 for update)`
  if (before === null) {
    const { count } = await tx`delete from rate_limit_rules where ${place}`
    return count > 0 ? 'removed' : 'left'
  }
  const { columns } = await tableShape(tx, 'rate_limit_rules')
  const values = { ...before, ...(columns.has('updated_at') && { updated_at: new Date() }) }
  const { count } = await tx`update rate_limit_rules set ${tx(values as never)} where ${place}`
  return count > 0 ? 'restored' : 'left'
}

/** What an update of the rule needs, as jsonb has it. */
const pick = (rule: RuleColumns, names: readonly string[]): RuleColumns =>
  Object.fromEntries(names.map((name) => [name, rule[name] ?? null]))
