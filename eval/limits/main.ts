import { createRandom } from '../../models/statistics/random.js'
import { CONTENDERS, RECOMMENDED } from './contenders.js'
import { judge, type Judgement } from './judge.js'
import { drawGatewayWeeks } from './gateway-world.js'
import { judgeGateway, type GatewayJudgement } from './judge-gateway.js'
import { missedGatewayTargets, missedTargets, printFigures, printGateways, printPrograms } from './print.js'
import { judgePrograms, PROGRAMS } from './programs.js'
import { drawShape } from './shape.js'
import { drawWeeks } from './weeks.js'
import { readOptions } from '../options.js'

const help = `Usage: npm run eval:limits -- [--seeds 40] [--gateways 12] [--first 1] [--verbose]

Draws one world of three weeks per seed, fits the limit of a client on two weeks, and replays the third. Every world has
its own number of clients, variation, page loads, shared addresses, launch day, floods and scrapers; see
eval/limits/shape.ts. Then judges gateways of twelve endpoints, with programs and scans, and a few worlds with
legitimate programs at one endpoint.

  --seeds N    number of worlds (default: 40)
  --gateways N number of gateways (default: 12)
  --first N    first seed (default: 1)
  --verbose    print the figures of every world as JSON

Exit codes: 0 success, 1 the recommended limits miss a target on average, 2 usage.`

const { values } = readOptions(help, {
  seeds: { type: 'string', default: '40' },
  gateways: { type: 'string', default: '12' },
  first: { type: 'string', default: '1' },
  verbose: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
})

function main(): number {
  if (values.help) {
    console.log(help)
    return 0
  }
  const nSeeds = Number(values.seeds)
  const nGateways = Number(values.gateways)
  const first = Number(values.first)
  const isCount = (n: number) => Number.isSafeInteger(n) && n >= 0
  if (![nSeeds, nGateways, first].every(isCount)) {
    console.error(`--seeds, --gateways and --first must be whole numbers from 0.\n\n${help}`)
    return 2
  }
  const found = new Map<string, Judgement[]>(CONTENDERS.map(({ name }) => [name, []]))
  for (let seed = first; seed < first + nSeeds; seed++) {
    const weeks = drawWeeks(drawShape(createRandom(seed)), seed)
    for (const contender of CONTENDERS) {
      const judgement = judge(contender, weeks)
      found.get(contender.name)!.push(judgement)
      if (values.verbose) console.log(JSON.stringify({ seed, name: contender.name, ...judgement }))
    }
  }
  printFigures(found)
  const gateways = judgeGateways(first, nGateways)
  printGateways(gateways)
  printPrograms(PROGRAMS.map((programs) => judgePrograms(RECOMMENDED, programs, first)))
  const missed = [...found].flatMap(([name, judgements]) =>
    name.startsWith(RECOMMENDED.name) ? missedTargets(judgements).map((title) => `${name}: ${title}`) : [],
  )
  for (const title of missedGatewayTargets(gateways.get(TOGETHER)!)) missed.push(`gateways: ${title}`)
  if (missed.length > 0) console.error(`\nMissed on average: ${missed.join('; ')}.`)
  return missed.length > 0 ? 1 : 0
}

const TOGETHER = 'all limits of clients'

function judgeGateways(first: number, n: number): Map<string, GatewayJudgement[]> {
  const found = new Map<string, GatewayJudgement[]>([
    ['limits of endpoints alone', []],
    [TOGETHER, []],
  ])
  for (let seed = first; seed < first + n; seed++) {
    const weeks = drawGatewayWeeks(seed)
    for (const [name, judgements] of found)
      judgements.push(judgeGateway(weeks, { gateway: name === TOGETHER }))
  }
  return found
}

process.exitCode = main()
