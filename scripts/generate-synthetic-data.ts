import { runCommand } from './cli/command.js'
import { generateSyntheticData } from './generate-synthetic-data/command.js'

process.exitCode = await runCommand(generateSyntheticData)
