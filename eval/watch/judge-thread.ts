import { parentPort } from 'node:worker_threads'
import type { GatewayOptions } from './gateway.js'
import { judgeGateway } from './judge-gateway.js'

parentPort?.on('message', (options: GatewayOptions) => parentPort?.postMessage(judgeGateway(options)))
