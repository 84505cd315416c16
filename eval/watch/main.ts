import { readOptions } from '../options.js'
import type { JudgeOptions } from './judge-gateway.js'
import { MAKES, type MakeName } from './makes.js'
import { judgeInThreads } from './pool.js'
import { figuresOf, misses, printFigures, printVerbose } from './report.js'

const help = `Usage: npm run eval:watch -- [--gateways 12] [--first 1] [--endpoints 30] [--days 7] [--make usual]
                              [--large 300] [--large-days 3] [--new 0] [--scan] [--verbose]

Draws gateways with many endpoints: two weeks of history, and days to watch with labelled incidents of single endpoints.

  --gateways N    number of gateways (default: 12)
  --first N       first seed (default: 1)
  --endpoints N   endpoints of each (default: 30)
  --days N        days to watch (default: 7)
  --make NAME     ${Object.keys(MAKES).join(', ')}, or all (default: usual)
  --large N       endpoints of one more gateway (default: 300; 0 for none)
  --large-days N  days to watch it (default: 3)
  --new N         more gateways with 60 to 90 minutes of history, six hours to watch (default: 0)
  --scan          judge the history by the model that has learned it, instead of the days after it
  --verbose       list every missed incident and every false one

Exit codes: 0 success, 1 a target is missed, 2 usage.`

const { values } = readOptions(help, {
  gateways: { type: 'string', default: '12' },
  first: { type: 'string', default: '1' },
  endpoints: { type: 'string', default: '30' },
  days: { type: 'string', default: '7' },
  make: { type: 'string', default: 'usual' },
  large: { type: 'string', default: '300' },
  'large-days': { type: 'string', default: '3' },
  new: { type: 'string', default: '0' },
  scan: { type: 'boolean', default: false },
  verbose: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
})

const NAMES = ['gateways', 'first', 'endpoints', 'days', 'large', 'large-days', 'new'] as const
type Numbers = Record<(typeof NAMES)[number], number>

const TWO_WEEKS = 14 * 1440

/** Groups of gateways that are reported together. */
function groupsOf(makes: readonly MakeName[], numbers: Numbers): JudgeOptions[][] {
  const { gateways, first, endpoints, days, large } = numbers
  const usual = { days, historyMinutes: TWO_WEEKS, isScan: values.scan }
  const seeds = (count: number) => Array.from({ length: count }, (_, i) => first + i)
  return makes
    .flatMap((make) => [
      // The large one takes longest, so it begins first.
      seeds(large > 0 ? 1 : 0).map((seed) => ({
        ...usual,
        ...{ make, seed, nEndpoints: large, days: numbers['large-days'] },
      })),
      seeds(gateways).map((seed) => ({ ...usual, make, seed, nEndpoints: endpoints })),
      seeds(numbers.new).map((seed) => ({
        ...{ make, seed, nEndpoints: endpoints, days: 0.25, isScan: false },
        historyMinutes: 60 + ((7 * seed) % 31),
      })),
    ])
    .filter(({ length }) => length > 0)
}

async function main(): Promise<number> {
  if (values.help) {
    console.log(help)
    return 0
  }
  const numbers = Object.fromEntries(NAMES.map((name) => [name, Number(values[name])])) as Numbers
  const isWhole = NAMES.every((name) => Number.isSafeInteger(numbers[name]) && numbers[name] >= 0)
  if (!isWhole || numbers.endpoints < 1 || numbers.days < 1 || numbers['large-days'] < 1) {
    console.error(`All numbers must be whole ones.\n\n${help}`)
    return 2
  }
  const all = Object.keys(MAKES) as MakeName[]
  const makes = values.make === 'all' ? all : all.filter((make) => make === values.make)
  if (makes.length === 0) {
    console.error(`Unknown make: ${values.make}.\n\n${help}`)
    return 2
  }
  const groups = groupsOf(makes, numbers)
  const results = await judgeInThreads(groups.flat())
  if (values.verbose) printVerbose(results)
  const figures = groups.map((group) => figuresOf(results.splice(0, group.length)))
  figures.forEach(printFigures)
  return figures.some((each) => misses(each).length > 0) ? 1 : 0
}

process.exitCode = await main()
