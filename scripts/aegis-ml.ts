#!/usr/bin/env node
import { Command } from 'commander'
import { runCommand } from './cli/command.js'
import { backtest } from './backtest/command.js'
import { checkLimits } from './check/command.js'
import { dumpDatabase } from './dump/command.js'
import { exportTrainingData } from './export-training-data/command.js'
import { generateSyntheticData } from './generate-synthetic-data/command.js'
import { importAccessLog } from './import-access-log/command.js'
import { manageKeys } from './keys/command.js'
import { testNotifications } from './notify-test/command.js'
import { restoreDatabase } from './restore/command.js'

process.exitCode = await runCommand((stop) =>
  new Command('aegis-ml')
    .description(
      'Export, generate and import the traffic of an API gateway; check and replay rate limits; test notifications; make keys; save and restore the database.',
    )
    .addHelpText('after', '\nRun "aegis-ml <command> --help" for the options and examples of a command.')
    .addCommand(exportTrainingData(stop))
    .addCommand(generateSyntheticData(stop))
    .addCommand(importAccessLog(stop))
    .addCommand(checkLimits(stop))
    .addCommand(backtest(stop))
    .addCommand(testNotifications(stop))
    .addCommand(manageKeys(stop))
    .addCommand(dumpDatabase(stop))
    .addCommand(restoreDatabase(stop)),
)
