import { Command, type OptionValues } from 'commander'
import { askService } from '../cli/ask-service.js'
import { NotToldError, ServiceAwayError } from '../cli/errors.js'
import { withOutput } from '../cli/output.js'
import { serviceAddress } from '../cli/service-address.js'

/** What a receiver said; see NotificationTest of the contract. */
interface Answer {
  readonly channel: string
  readonly delivered: boolean
  readonly status: number | null
  readonly problem: string | null
}

const NOTES = `
The service sends a test to each Alertmanager and webhook that it is configured with, and waits for the answers.

Examples:
  aegis-ml notify-test
  aegis-ml notify-test --url http://aegis:5000 --json

Exit codes: 0 each has the test; 1 one has not, or there is none; 2 usage; 3 the service cannot be reached, or cannot
answer now.`

/** `notify-test`: has a service send a test notification. */
export function testNotifications(stop: AbortSignal): Command {
  return new Command('notify-test')
    .description('Send a test notification to each receiver of a service, and report what they answered.')
    .option(
      '--url <url>',
      'address of the service (default: port ML_SERVICE_PORT, or else 5000, of this machine); its key is ML_SERVICE_API_KEY',
    )
    .option('--json', 'print the answers as JSON')
    .addHelpText('after', NOTES)
    .action((flags: OptionValues) => run(flags as { url?: string; json?: true }, stop))
}

async function run({ url, json }: { url?: string; json?: true }, stop: AbortSignal): Promise<void> {
  const answers = await ask(serviceAddress(url), stop)
  const lines = answers.map(({ channel, delivered, problem }) =>
    delivered ? `${channel}: delivered` : `${channel}: ${problem ?? 'not delivered'}`,
  )
  const text = json ? JSON.stringify(answers, null, 2) : lines.join('\n')
  if (text !== '') await withOutput(undefined, stop, (output) => output.write(`${text}\n`))
  if (answers.length === 0) {
    throw new NotToldError('The service tells nobody. Set ALERTMANAGER_URL or WEBHOOK_URLS.')
  }
  const failed = answers.filter(({ delivered }) => !delivered).length
  if (failed > 0) throw new NotToldError(`${failed} of ${answers.length} did not get the test.`)
}

/** @throws ServiceAwayError */
async function ask(url: string, stop: AbortSignal): Promise<readonly Answer[]> {
  const request = { method: 'POST', body: {} } as const
  const { data, message } = await askService<{ readonly channels: readonly Answer[] }>(
    url,
    '/notifications/test',
    request,
    stop,
  )
  if (data?.channels === undefined) throw new ServiceAwayError(message)
  return data.channels
}
