/** The package against the real worker, killed and started again under it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openSession } from 'baileys-sessionworker'
import { IDENTITY, minted } from './fake.mjs'
import { Worker } from './worker.mjs'

const NAMES = 300

const options = (worker, more = {}) => ({
  url: worker.url,
  token: worker.token,
  group: 'bots',
  instance: 'one',
  initAuthCreds: () => { minted.count++; return structuredClone(IDENTITY) },
  onError: () => {},
  ...more
})

const round = number => Object.fromEntries(Array.from({ length: NAMES }, (_, n) => [`${n}`, { number, bytes: Buffer.from([n % 256]) }]))

test('what is set is there, and what is deleted is not, also for a new session', async t => {
  const worker = await Worker.of(t)
  const session = await openSession(options(worker))
  assert.equal(session.isNew, true)
  await Promise.all([session.saveCreds(), session.keys.set({ 'pre-key': round(1), 'lid-mapping': { '5511': '12', '__proto__x': 'é 😀 \ud83d' } })])
  await session.keys.set({ 'pre-key': { 7: null } })
  await session.close()
  const again = await openSession(options(worker))
  assert.equal(again.isNew, false)
  assert.deepEqual(Buffer.from(again.creds.noiseKey.private), IDENTITY.noiseKey.private)
  const found = await again.keys.get('pre-key', Object.keys(round(1)))
  assert.equal(Object.keys(found).length, NAMES - 1)
  assert.deepEqual(found[8], { number: 1, bytes: Buffer.from([8]) })
  assert.deepEqual({ ...await again.keys.get('lid-mapping', ['5511', '__proto__x', 'no']) }, { 5511: '12', '__proto__x': 'é 😀 \ud83d' })
  const { text } = await worker.ask('GET', '/session/bots/one/lid-mapping-5511')
  assert.equal(text, '"12"')
  await again.close()
})

test('a worker that is killed at any moment loses nothing it acknowledged and tears no set apart, and no call fails', async t => {
  const worker = await Worker.of(t)
  const session = await openSession(options(worker))
  await session.saveCreds()
  minted.count = 0
  let done = 0
  let isOver = false
  const writing = (async () => {
    while (!isOver) {
      await session.keys.set({ session: round(done + 1) })
      done++
    }
  })()
  for (let kill = 0; kill < 5; kill++) {
    const before = done
    while (done < before + 2) await sleep(5)
    await sleep(Math.random() * 20) // not a wait: somewhere inside of a write
    await worker.kill()
    const acknowledged = done
    await worker.start()
    const found = Object.values(await session.keys.get('session', Object.keys(round(0))))
    const numbers = new Set(found.map(({ number }) => number))
    assert.equal(found.length, NAMES)
    assert.ok(Math.max(...numbers) >= acknowledged)
    session.creds.n = kill
    await session.saveCreds()
  }
  isOver = true
  await writing
  await worker.kill()
  await worker.start()
  const again = await openSession(options(worker))
  assert.equal(again.creds.n, 4)
  const numbers = Object.values(await again.keys.get('session', Object.keys(round(0)))).map(({ number }) => number)
  assert.deepEqual([...new Set(numbers)], [done])
  assert.equal(minted.count, 0)
  await again.close()
})

test('a worker that hangs for a while is waited for', async t => {
  const worker = await Worker.of(t)
  const session = await openSession(options(worker, { limits: { call: 300 } }))
  worker.signal('SIGSTOP')
  const set = session.keys.set({ session: { 1: 'x' } })
  const read = session.keys.get('session', ['2'])
  await sleep(1_000)
  worker.signal('SIGCONT')
  await Promise.all([set, read])
  await session.close()
})

test('a wrong token opens nothing, and an instance that was dropped elsewhere stays dropped', async t => {
  const worker = await Worker.of(t)
  minted.count = 0
  await assert.rejects(openSession(options(worker, { token: 'wrong' })), { name: 'Refused', status: 401 })
  assert.equal(minted.count, 0)
  const session = await openSession(options(worker, { owner: false }))
  await session.saveCreds()
  assert.equal((await worker.ask('DELETE', '/session/bots/one')).status, 200)
  await assert.rejects(session.keys.set({ session: { 1: 1 } }), { status: 404 })
  await assert.rejects(session.keys.get('session', ['1']), { status: 404 })
  await session.saveCreds()
  assert.deepEqual(JSON.parse((await worker.ask('GET', '/session/bots/list-instances')).text), [])
})

test('after a logout nothing is left, and the account can be paired again', async t => {
  const worker = await Worker.of(t)
  const session = await openSession(options(worker))
  await Promise.all([session.saveCreds(), session.keys.set({ session: { 1: 1 } })])
  await session.drop()
  assert.deepEqual(JSON.parse((await worker.ask('GET', '/session/bots/list-instances')).text), [])
  const again = await openSession(options(worker))
  assert.equal(again.isNew, true)
  assert.deepEqual({ ...await again.keys.get('session', ['1']) }, {})
  await again.close()
})
