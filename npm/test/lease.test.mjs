/** One owner at a time: between processes by the worker's lease, within one the newer session. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { HeldElsewhere, Lost } from 'baileys-sessionworker'
import { FakeWorker, SHORT, hold, minted, open, withSession } from './fake.mjs'

const heldByAnother = (fake, response) => fake.refuse(response, 409, 'Another owner holds this instance.', { 'Retry-After': '12' })

test('every request names one owner for the whole process, and an owner of one\'s own if wanted', async t => {
  const { fake, session } = await withSession(t)
  await session.keys.set({ session: { 1: 1 } })
  await session.keys.get('session', ['1'])
  await open(fake, { instance: 'two' })
  const owners = new Set(fake.requests.map(({ headers }) => headers.owner))
  assert.equal(owners.size, 1)
  assert.match([...owners][0], /^[\x21-\x7e]{1,128}$/)
  fake.requests.length = 0
  await open(fake, { instance: 'three', owner: 'me' })
  assert.ok(fake.requests.every(({ headers }) => headers.owner === 'me'))
})

test('with owner: false no lease is asked for, renewed or let go', async t => {
  const { fake, session } = await withSession(t, { owner: false, limits: { ...SHORT, renew: 10 } })
  await session.keys.set({ session: { 1: 1 } })
  await sleep(50)
  await session.close()
  assert.equal(fake.requests.length, 1)
  assert.equal(fake.requests[0].headers.owner, undefined)
})

test('an account that another process holds is not opened: the error has the seconds', async t => {
  const fake = await new FakeWorker().start()
  t.after(() => fake.stop())
  minted.count = 0
  fake.misbehave = (_, response) => { heldByAnother(fake, response); return true }
  await assert.rejects(open(fake), error => error instanceof HeldElsewhere && error.seconds === 12)
  assert.equal(fake.requests.length, 1)
  assert.equal(minted.count, 0)
})

test('with patience the other\'s lease is waited for', async t => {
  const fake = await new FakeWorker().start()
  t.after(() => fake.stop())
  let isHeld = true
  fake.misbehave = (_, response) => {
    if (isHeld) heldByAnother(fake, response)
    return isHeld
  }
  setTimeout(() => { isHeld = false }, 50)
  await open(fake, { patience: 0.2 })
  assert.equal(fake.requests.filter(({ url }) => url === '/session/bots').length, 2)
})

test('a 409 in the middle ends the session: its listener is told once, and nothing more is sent', async t => {
  const { fake, session, errors } = await withSession(t)
  const reasons = []
  session.onLost(lost => reasons.push(lost.reason))
  const answers = hold(fake)
  const sets = [session.keys.set({ session: { 1: 1 } })]
  const underWay = await answers.next()
  sets.push(session.keys.set({ session: { 2: 1 } }))
  const saved = session.saveCreds()
  underWay.refuse(409)
  const ends = await Promise.allSettled(sets)
  assert.ok(ends.every(({ reason }) => reason instanceof Lost && reason.reason === 'held elsewhere'))
  await saved
  await assert.rejects(session.keys.set({ session: { 3: 1 } }), Lost)
  await session.saveCreds()
  await session.close()
  assert.equal(fake.requests.length, 1)
  assert.deepEqual(reasons, ['held elsewhere'])
  assert.ok(errors.every(error => error instanceof Lost))
  session.onLost(lost => reasons.push(`late: ${lost.reason}`))
  assert.deepEqual(reasons, ['held elsewhere', 'late: held elsewhere'])
})

test('no answer is not lost', async t => {
  const { fake, session } = await withSession(t, { limits: { ...SHORT, renew: 20, total: 50 } })
  let lost = 0
  session.onLost(() => lost++)
  fake.misbehave = (_, response) => { response.destroy(); return true }
  await sleep(150)
  fake.misbehave = () => false
  await session.keys.set({ session: { 1: 1 } })
  assert.equal(lost, 0)
  await session.close() // its renewals would count as lost connections in what follows
})

test('an idle session renews its lease, and learns by it that another has it', async t => {
  const { fake, session } = await withSession(t, { limits: { ...SHORT, renew: 30 } })
  while (fake.requests.length < 2) await sleep(5)
  assert.deepEqual(fake.requests[0].body, { changes: {} })
  const lost = new Promise(resolve => session.onLost(resolve))
  fake.misbehave = (_, response) => { heldByAnother(fake, response); return true }
  assert.equal((await lost).reason, 'held elsewhere')
})

test('renewing does not bring back an instance that was dropped', async t => {
  const { fake, errors } = await withSession(t, { limits: { ...SHORT, renew: 20 } })
  fake.instances.clear()
  while (errors.length === 0) await sleep(5)
  await sleep(60)
  assert.equal(fake.instances.size, 0)
  assert.equal(errors.length, 1)
})

test('of two sessions of one account in one process the newer one wins, after the older has stored what waited', async t => {
  const { fake, session: older } = await withSession(t)
  const lost = new Promise(resolve => older.onLost(resolve))
  older.creds.n = 4
  older.saveCreds()
  const waiting = older.keys.set({ session: { 1: 'x' } })
  const newer = await open(fake)
  await waiting
  assert.equal((await lost).reason, 'replaced')
  assert.equal(newer.creds.n, 4)
  await assert.rejects(older.keys.set({ session: { 1: 'y' } }), Lost)
  await older.close()
  await newer.keys.set({ session: { 1: 'z' } })
  assert.equal(fake.files().get('session-1'), '"z"')
  assert.equal(fake.requests.some(({ body }) => body?.release), false)
})

test('it is the same process for what was imported and what was required', async t => {
  const { fake, session } = await withSession(t)
  const { openSession } = createRequire(import.meta.url)('baileys-sessionworker')
  const lost = new Promise(resolve => session.onLost(resolve))
  await session.saveCreds()
  await openSession({ url: fake.url, token: 'secret', group: 'bots', instance: 'one', initAuthCreds: () => assert.fail() })
  assert.equal((await lost).reason, 'replaced')
})

test('as long as the older session cannot store its credentials there is no newer one', async t => {
  const { fake, session: older } = await withSession(t, { limits: { ...SHORT, total: 50 } })
  fake.misbehave = (_, response) => { fake.refuse(response, 503); return true }
  older.creds.n = 4
  older.saveCreds()
  await assert.rejects(open(fake, { limits: { ...SHORT, total: 50 } }))
  fake.misbehave = () => false
  assert.equal((await open(fake)).creds.n, 4)
})

const lookup = async (session, ...ids) => ({ ...await session.keys.get('lid-mapping', ids) })

test('with the lease, what holds nothing is asked for once, until it is written here', async t => {
  const { fake, session } = await withSession(t)
  await session.keys.set({ session: { 1: 1 } })
  for (let time = 0; time < 3; time++) assert.deepEqual(await lookup(session, 'a', 'b'), {})
  assert.equal(fake.reads.length, 1)
  await session.keys.set({ 'lid-mapping': { a: 'x' } })
  assert.deepEqual(await lookup(session, 'a', 'b'), { a: 'x' })
  assert.deepEqual(fake.reads.at(-1).body.keys, ['lid-mapping-a'])
})

for (const [who, lease, owner] of [['a session that asks for none', 'one', false], ['a worker that knows of none', undefined, undefined]]) {
  test(`without the lease nothing is remembered: ${who}`, async t => {
    const fake = Object.assign(await new FakeWorker().start(), { lease })
    t.after(() => fake.stop())
    const session = await open(fake, { owner })
    await lookup(session, 'a')
    fake.files().set('lid-mapping-a', '"x"')
    assert.deepEqual(await lookup(session, 'a'), { a: 'x' })
    await session.close()
  })
}

test('a read that a write overtook is not remembered', async t => {
  const { fake, session } = await withSession(t)
  const answers = hold(fake, ({ body }) => body?.keys)
  const read = lookup(session, 'a')
  const underWay = await answers.next()
  await session.keys.set({ 'lid-mapping': { a: 'x' } })
  fake.answer(underWay.response, 200, { values: { 'lid-mapping-a': null } })
  assert.deepEqual(await read, {})
  fake.misbehave = () => false
  assert.deepEqual(await lookup(session, 'a'), { a: 'x' })
})

test('all is forgotten when the lease may have lapsed', async t => {
  const { fake, session } = await withSession(t)
  await lookup(session, 'a')
  fake.files().set('lid-mapping-a', '"x"')
  assert.deepEqual(await lookup(session, 'a'), {})
  const now = performance.now()
  t.mock.method(performance, 'now', () => now + 26_000)
  await session.saveCreds() // takes it again: what was known before is in doubt all the same
  assert.deepEqual(await lookup(session, 'a'), { a: 'x' })
})

test('all is forgotten when the lease is another one: it was taken anew, and somebody else may have had it', async t => {
  const { fake, session } = await withSession(t)
  await lookup(session, 'a')
  fake.files().set('lid-mapping-a', '"x"')
  assert.deepEqual(await lookup(session, 'a'), {})
  fake.lease = 'two'
  await session.saveCreds()
  assert.deepEqual(await lookup(session, 'a'), { a: 'x' })
})

test('all is forgotten when a connection is lost: a worker that is started anew knows of no lease', async t => {
  const { fake, session } = await withSession(t)
  await lookup(session, 'a')
  fake.files().set('lid-mapping-a', '"x"')
  fake.server.closeAllConnections()
  await sleep(20)
  assert.deepEqual(await lookup(session, 'a'), { a: 'x' })
})

test('a session that was left open, with its worker gone, keeps no process up', async t => {
  const fake = await new FakeWorker().start()
  const program = `
    import { openSession } from 'baileys-sessionworker'
    const limits = { renew: 20 }
    await openSession({ url: ${JSON.stringify(fake.url)}, token: 'x', group: 'g', instance: 'i', initAuthCreds: () => ({}), limits })
    process.stdout.write('open')
    setTimeout(() => {}, 200)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { cwd: new URL('..', import.meta.url) })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  await fake.stop()
  assert.deepEqual(await once(child, 'exit', { signal: AbortSignal.timeout(5_000) }), [0, null])
})
