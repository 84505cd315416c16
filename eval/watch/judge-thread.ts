import { parentPort } from 'node:worker_threads'
import { judgeGateway, type JudgeOptions } from './judge-gateway.js'

parentPort?.on('message', (options: JudgeOptions) => parentPort?.postMessage(judgeGateway(options)))
