/**
 * Single writes at a fixed rate, through the APIs' own client, however long each takes.
 *
 *     GLOBAL_AUTH_TOKEN=... node steady.mjs URL RATE
 *
 * Each line of standard input is answered with one of JSON: the milliseconds of each write that ended since the line
 * before, and how many failed up to now.
 */
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker, say } from '../../tests/node/client.mjs'

const [url, rate] = process.argv.slice(2)
const CONTACTS = 200

/** About the size of a session with one contact's phone. */
const session = { _sessions: { ratchet: Buffer.alloc(900, 7).toString('base64') }, version: 'v1' }

const worker = new Worker(url, process.env.GLOBAL_AUTH_TOKEN, 'beside')
await worker.start()
await worker.create('talking')

createInterface({ input: process.stdin }).on('line', () => {
  const latencies = worker.latencies.splice(0).map(one => Math.round(one * 100) / 100)
  say(JSON.stringify({ latencies, failures: worker.failures }))
}).on('close', () => process.exit(0))

const begun = performance.now()
for (let number = 0; ; number++) {
  await sleep(Math.max(0, begun + number * 1000 / rate - performance.now()))
  worker.write('talking', `session-55119000${number % CONTACTS}.0`, session)
}
