/** Two processes and one account, at the real worker: one of them has it. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from './worker.mjs'

const PROGRAM = fileURLToPath(new URL('owner.mjs', import.meta.url))

/** A process that has the account, or wants it; the first thing that it says. */
async function start (t, worker, name) {
  const env = { ...process.env, TOKEN: worker.token }
  const process_ = spawn(process.execPath, [PROGRAM, worker.url, name], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => process_.kill('SIGKILL'))
  const lines = createInterface({ input: process_.stdout })[Symbol.asyncIterator]()
  const { value: said } = await lines.next()
  return { process: process_, said, end: () => process_.stdin.write('\n') && lines.next().then(({ value }) => JSON.parse(value)) }
}

/** Who wrote each key, without a word twice. */
async function writers (worker) {
  const keys = Array.from({ length: 20 }, (_, id) => `session-${id}`)
  const { text } = await worker.ask('POST', '/session/bots/one', { keys })
  return [...new Set(Object.values(JSON.parse(text).values).map(({ name }) => name))]
}

test('of two processes one has the account; whoever lost it stores nothing more, and is told once', async t => {
  const worker = await Worker.of(t)
  const first = await start(t, worker, 'first')
  assert.equal(first.said, 'open')
  assert.equal((await start(t, worker, 'second')).said, 'held')
  first.process.kill('SIGSTOP') // as a machine that sleeps; an operator ends its lease
  await sleep(1000) // what it has sent before is done by then, and does not renew it
  assert.equal((await worker.ask('POST', '/admin/groups/bots/instances/one/release')).status, 204)
  const second = await start(t, worker, 'second')
  assert.equal(second.said, 'open')
  first.process.kill('SIGCONT')
  await sleep(300) // both write all the time
  assert.deepEqual(await writers(worker), ['second'])
  const [lost, kept] = [await first.end(), await second.end()]
  assert.deepEqual({ ...lost, stored: 0, lost: 0 }, { stored: 0, lost: 0, failed: 0, mixed: 0, told: ['held elsewhere'] })
  assert.ok(lost.stored > 0 && lost.lost > 1)
  assert.deepEqual({ ...kept, stored: 0 }, { stored: 0, lost: 0, failed: 0, mixed: 0, told: [] })
  assert.ok(kept.stored > 1)
  assert.deepEqual(await writers(worker), ['second'])
})

test('whoever closes lets the next one in at once', async t => {
  const worker = await Worker.of(t)
  const first = await start(t, worker, 'first')
  await Promise.all([once(first.process, 'exit'), first.end()])
  const second = await start(t, worker, 'second')
  assert.equal(second.said, 'open')
  await second.end()
  assert.deepEqual(await writers(worker), ['second'])
})
