/** A conversation of each Baileys through the package, while the worker is killed under it. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { names } from './names.mjs'
import { Worker } from './worker.mjs'

const PROGRAM = fileURLToPath(new URL('conversation.mjs', import.meta.url))
const MESSAGES = process.env.FULL ? 15 : 5
const KILL_AT = process.env.FULL ? [2, 6, 11] : [2]

for (const name of names) {
  test(`two accounts of ${name} do not notice that the worker is killed while they talk`, async t => {
    const worker = await Worker.of(t)
    const env = { ...process.env, TOKEN: worker.token, BAILEYS: name.replace('baileys-', '') }
    const program = spawn(process.execPath, [PROGRAM, worker.url, MESSAGES], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    t.after(() => program.kill('SIGKILL'))
    let complaints = ''
    program.stderr.on('data', data => { complaints += data })
    let last
    for await (const line of createInterface({ input: program.stdout })) {
      last = line
      if (!KILL_AT.includes(+line.replace('said ', ''))) continue
      await sleep(Math.random() * 10) // not a wait: somewhere inside of a message
      await worker.kill()
      await worker.start()
    }
    const { baileys, ...result } = JSON.parse(last)
    assert.deepEqual(result, { messages: 3 * MESSAGES, lost: 0, identities: 0, fresh: 2, errors: 0 }, complaints)
    assert.match(baileys, /^\d/)
  })
}
