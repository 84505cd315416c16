import { readOptions } from '../options.js'
import type { GatewayOptions } from './gateway.js'
import { judgeInThreads } from './pool.js'
import { figuresOf, misses, printFigures, printVerbose } from './report.js'

const help = `Usage: npm run eval:watch -- [--gateways 12] [--first 1] [--endpoints 30] [--days 7]
                              [--large 300] [--large-days 3] [--verbose]

Draws gateways with many endpoints: two weeks of history, and days to watch with labelled incidents of single endpoints.

  --gateways N    number of gateways (default: 12)
  --first N       first seed (default: 1)
  --endpoints N   endpoints of each (default: 30)
  --days N        days to watch (default: 7)
  --large N       endpoints of one more gateway (default: 300; 0 for none)
  --large-days N  days to watch it (default: 3)
  --verbose       list every missed incident and every false one

Exit codes: 0 success, 1 a target is missed, 2 usage.`

const { values } = readOptions(help, {
  gateways: { type: 'string', default: '12' },
  first: { type: 'string', default: '1' },
  endpoints: { type: 'string', default: '30' },
  days: { type: 'string', default: '7' },
  large: { type: 'string', default: '300' },
  'large-days': { type: 'string', default: '3' },
  verbose: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
})

async function main(): Promise<number> {
  if (values.help) {
    console.log(help)
    return 0
  }
  const numbers = [values.gateways, values.first, values.endpoints, values.days, values.large]
  const [nGateways, first, nEndpoints, days, nLarge] = numbers.map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ]
  const largeDays = Number(values['large-days'])
  const isWhole = [nGateways, first, nEndpoints, days, nLarge, largeDays].every(Number.isSafeInteger)
  if (!isWhole || nEndpoints < 1 || days < 1 || largeDays < 1) {
    console.error(`All numbers must be whole ones.\n\n${help}`)
    return 2
  }
  // The large one takes longest, so it begins first.
  const large: GatewayOptions[] = nLarge > 0 ? [{ nEndpoints: nLarge, seed: first, days: largeDays }] : []
  const usual = Array.from({ length: nGateways }, (_, i) => ({ nEndpoints, seed: first + i, days }))
  const results = await judgeInThreads([...large, ...usual])
  if (values.verbose) printVerbose(results)
  const groups = [results.slice(large.length), results.slice(0, large.length)].filter(
    ({ length }) => length > 0,
  )
  const figures = groups.map(figuresOf)
  figures.forEach(printFigures)
  return figures.some((each) => misses(each).length > 0) ? 1 : 0
}

process.exitCode = await main()
