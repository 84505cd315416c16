import { runCommand } from './cli/command.js'
import { importAccessLog } from './import-access-log/command.js'

process.exitCode = await runCommand(importAccessLog)
