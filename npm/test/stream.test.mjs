/** One write of an account under way at a time: order, merging, and what a refusal costs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { FakeWorker, SHORT, hold, open, withSession } from './fake.mjs'

/** On a busy machine large requests take a while; none is to be repeated for that. */
const LONG = { ...SHORT, call: 20_000, total: 60_000 }

const keysOf = ({ body }) => Object.keys(body.changes)

test('a set of many types and keys is one request, with the names of keys on the wire', async t => {
  const { fake, session } = await withSession(t)
  await session.keys.set({ 'pre-key': { 1: { a: 1 }, 2: null }, session: { '55.0': { b: Buffer.from('hi') } } })
  assert.deepEqual(fake.requests.map(({ url, body }) => [url, body]), [['/session/bots/one', { changes: {
    'pre-key-1': { a: 1 }, 'pre-key-2': null, 'session-55.0': { b: { type: 'Buffer', data: 'aGk=' } }
  } }]])
})

test('a get of many keys is one request, and what holds nothing is left out', async t => {
  const { fake, session } = await withSession(t)
  fake.files().set('session-1', '{"b":{"type":"Buffer","data":"aGk="}}')
  const found = await session.keys.get('session', ['1', '2'])
  assert.deepEqual(Object.entries(found), [['1', { b: Buffer.from('hi') }]])
  assert.deepEqual(fake.requests.map(({ body }) => body), [{ keys: ['session-1', 'session-2'] }])
})

test('a set and the credentials of the same turn go in one request, whichever comes first', async t => {
  const { fake, session } = await withSession(t)
  const saved = session.saveCreds()
  await Promise.resolve()
  session.creds.n = 5
  await Promise.all([saved, session.keys.set({ session: { 1: 'x' } })])
  await Promise.all([session.keys.set({ session: { 2: 'x' } }), session.saveCreds()])
  assert.deepEqual(fake.writes.map(keysOf), [['session-1', 'creds'], ['session-2', 'creds']])
  assert.equal(fake.writes[0].body.changes.creds.n, 5)
})

test('what comes while a write is under way waits, is merged with the later value, and is seen by reads', async t => {
  const { fake, session } = await withSession(t)
  const answers = hold(fake)
  let kept = 0
  const first = session.keys.set({ session: { 1: 'first' } }).then(() => kept++)
  const underWay = await answers.next()
  const later = [
    session.keys.set({ session: { 1: 'second', 2: 'a' } }), session.keys.set({ session: { 1: 'third', 3: null } })
  ].map(done => done.then(() => kept++))
  fake.files().set('session-3', '"old"')
  assert.deepEqual({ ...await session.keys.get('session', ['1', '2', '3']) }, { 1: 'third', 2: 'a' })
  await sleep(30)
  assert.equal(fake.writes.length, 1)
  assert.equal(kept, 0)
  underWay.go()
  await first
  const merged = await answers.next()
  assert.deepEqual(merged.seen.body.changes, { 'session-1': 'third', 'session-2': 'a', 'session-3': null })
  assert.equal(kept, 1)
  merged.go()
  await Promise.all(later)
})

test('credentials are put into text when they are sent, and two saves are one', async t => {
  const { fake, session } = await withSession(t)
  const answers = hold(fake)
  const first = session.keys.set({ session: { 1: 'x' } })
  const underWay = await answers.next()
  session.creds.n = 1
  const saves = [session.saveCreds(), session.saveCreds()]
  session.creds.n = 2
  underWay.go()
  const next = await answers.next()
  assert.deepEqual(next.seen.body.changes.creds.n, 2)
  next.go()
  await Promise.all([first, ...saves])
  assert.equal(fake.writes.length, 2)
})

test('a value that is changed after its set is stored as it was', async t => {
  const { fake, session } = await withSession(t)
  const value = { n: 1 }
  const done = session.keys.set({ session: { 1: value } })
  value.n = 2
  await done
  assert.equal(fake.files().get('session-1'), '{"n":1}')
})

for (const status of [400, 413]) {
  test(`a merged request that is refused with ${status} is taken apart: one bad key fails one set`, async t => {
    const { fake, session, errors } = await withSession(t)
    fake.misbehave = ({ body }, response) => {
      if (!body?.changes || !('session-bad' in body.changes)) return false
      fake.refuse(response, status)
      return true
    }
    const ends = await Promise.allSettled([
      session.keys.set({ session: { good: 1 } }), session.keys.set({ session: { bad: 1, beside: 1 } }),
      session.keys.set({ session: { better: 1 } }), session.saveCreds()
    ])
    assert.deepEqual(ends.map(end => end.status), ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
    assert.equal(ends[1].reason.status, status)
    assert.deepEqual([...fake.files().keys()].sort(), ['creds', 'session-better', 'session-good'])
    assert.deepEqual(errors, [])
  })
}

test('a very large set is cut in order, and resolves when all is stored', async t => {
  const { fake, session } = await withSession(t, { limits: LONG })
  const values = Object.fromEntries(Array.from({ length: 12_000 }, (_, n) => [`k${n}`, `${n}`]))
  await session.keys.set({ 'lid-mapping': values })
  assert.equal(fake.files().size, 12_000)
  assert.ok(fake.writes.every(write => keysOf(write).length <= 5_000))
  assert.deepEqual(fake.writes.flatMap(keysOf), Object.keys(values).map(id => `lid-mapping-${id}`))
  const found = await session.keys.get('lid-mapping', [...Object.keys(values), 'no'])
  assert.equal(Object.keys(found).length, 12_000)
  assert.ok(fake.reads.every(({ body }) => body.keys.length <= 5_000))
})

test('large values are spread over requests of 4 MiB, a larger one goes alone', async t => {
  const { fake, session } = await withSession(t, { limits: LONG })
  const mebibytes = count => 'x'.repeat(count * 1024 * 1024)
  await session.keys.set({ session: { a: mebibytes(3), b: mebibytes(2), c: mebibytes(6), d: 'small' } })
  assert.deepEqual(fake.writes.map(keysOf), [['session-a'], ['session-b'], ['session-c'], ['session-d']])
})

test('sets of several accounts do not wait for one another', async t => {
  const fake = await new FakeWorker().start()
  t.after(() => fake.stop())
  const [one, two] = [await open(fake), await open(fake, { instance: 'two' })]
  const answers = hold(fake, ({ url, body }) => body?.changes && url.endsWith('/one'))
  const slow = one.keys.set({ session: { 1: 1 } })
  await two.keys.set({ session: { 1: 1 } })
  ;(await answers.next()).go()
  await slow
})

test('what JSON has no text for is refused, and nothing of its set is sent', async t => {
  const { fake, session } = await withSession(t)
  await assert.rejects(session.keys.set({ session: { 1: 'fine', 2: 10n } }), TypeError)
  assert.equal(fake.requests.length, 0)
})
