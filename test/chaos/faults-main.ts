import { rm } from 'node:fs/promises'
import { openDirectory } from '../postgres-server.js'
import { openScope } from '../scope.js'
import { setScene } from './faults/scene.js'
import { runFaults } from './faults/run.js'
import { FAULTS } from './faults/faults.js'

const { scope, close } = openScope()
const directory = await openDirectory()
scope.teardown(() => rm(directory, { recursive: true, force: true }))
try {
  const scene = await setScene(scope, directory)
  const pattern = process.argv[2]
  const faults = pattern ? FAULTS.filter(({ name }) => new RegExp(pattern).test(name)) : FAULTS
  await runFaults(scene, { seed: 1, faults, progress: (round) => console.log(JSON.stringify(round)) })
  if (process.env['SHOW']) console.log(scene.service.output().slice(-6000))
} finally {
  await close()
}
