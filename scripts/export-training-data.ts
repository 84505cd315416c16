import { runCommand } from './cli/command.js'
import { exportTrainingData } from './export-training-data/command.js'

process.exitCode = await runCommand(exportTrainingData)
