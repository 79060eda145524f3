/** What fails while an account is open. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { BadAnswer, Lost, Refused, TooOld, Unavailable } from 'baileys-sessionworker'
import { SHORT, hold, withSession } from './fake.mjs'

/** Every bulk call is answered so, for a number of times. */
function failing (fake, answer, times = Infinity) {
  fake.misbehave = ({ body }, response, request) => {
    if (!(body?.changes || body?.keys) || times-- <= 0) return false
    answer(response, request)
    return true
  }
}

const PASSING = {
  'a 503': fake => response => fake.refuse(response, 503),
  'a 507': fake => response => fake.refuse(response, 507),
  'a 502 of a proxy': fake => response => fake.answer(response, 502, '<html>'),
  'a reset': () => response => response.destroy(),
  'no answer': () => () => {}
}

/** Beside one another: those that stay go on for all the time that a call has. */
describe('what passes', { concurrency: true }, () => {
  for (const [name, answer] of Object.entries(PASSING)) {
    const times = name === 'no answer' ? 1 : 3
    test(`${name} is repeated, for a set, a get and the credentials`, async t => {
      const { fake, session, errors } = await withSession(t)
      failing(fake, answer(fake), times)
      await Promise.all([session.keys.set({ session: { 1: 'x' } }), session.saveCreds()])
      failing(fake, answer(fake), times)
      assert.deepEqual({ ...await session.keys.get('session', ['1']) }, { 1: 'x' })
      assert.deepEqual(errors, [])
    })

    test(`${name} that stays fails the call in the end, and the next one works`, async t => {
      const { fake, session } = await withSession(t)
      failing(fake, answer(fake))
      await Promise.all([
        assert.rejects(session.keys.get('session', ['1']), Unavailable),
        assert.rejects(session.keys.set({ session: { 1: 'x' } }), Unavailable)
      ])
      fake.misbehave = () => false
      await session.keys.set({ session: { 2: 'y' } })
      assert.deepEqual({ ...await session.keys.get('session', ['1', '2']) }, { 2: 'y' })
    })
  }
})

for (const [status, kind] of [[400, Refused], [401, Refused], [403, Refused], [404, Refused], [405, TooOld], [413, Refused], [500, Refused]]) {
  test(`${status} is at once the caller's`, async t => {
    const { fake, session } = await withSession(t)
    failing(fake, response => fake.refuse(response, status, 'A sentence.'))
    const isSo = error => error instanceof kind && error.status === status
    await assert.rejects(session.keys.set({ session: { 1: 'x' } }), isSo)
    await assert.rejects(session.keys.get('session', ['1']), isSo)
    assert.equal(fake.requests.length, 2)
  })
}

const BUSY_SECONDS = process.env.FULL ? 20 : 2

test(`a 503 for ${BUSY_SECONDS} s is waited for, by its Retry-After`, async t => {
  const { fake, session } = await withSession(t, { limits: { ...SHORT, total: 30_000 } })
  const begun = performance.now()
  failing(fake, response => fake.refuse(response, 503, 'Later.', { 'Retry-After': '1' }), BUSY_SECONDS)
  await session.keys.set({ session: { 1: 'x' } })
  assert.ok(performance.now() - begun >= BUSY_SECONDS * 990)
  assert.equal(fake.requests.length, BUSY_SECONDS + 1)
})

test('a Retry-After past all the time there is fails at once', async t => {
  const { fake, session } = await withSession(t)
  failing(fake, response => fake.refuse(response, 503, 'Later.', { 'Retry-After': '3600' }))
  await assert.rejects(session.keys.set({ session: { 1: 'x' } }), error => error instanceof Unavailable && error.status === 503)
  assert.equal(fake.requests.length, 1)
})

test('a kept connection that the worker closed is replaced at once', async t => {
  const { fake, session } = await withSession(t, { limits: { ...SHORT, backoff: [60_000, 60_000] } })
  failing(fake, (_, request) => request.socket.resetAndDestroy(), 1)
  await session.keys.set({ session: { 1: 'x' } })
  assert.equal(fake.writes.length, 2)
})

const RUBBISH = {
  'no JSON': '<html>', null: 'null', 'a list': '[]', 'no values': '{}', 'values that are none': '{"values":null}',
  'a key left out': '{"values":{"session-2":1}}', 'nothing but what is left': '{"values":{},"left":["session-1"]}'
}

for (const [name, text] of Object.entries(RUBBISH)) {
  test(`a 200 with ${name} is an error, never an empty key`, async t => {
    const { fake, session } = await withSession(t)
    failing(fake, response => fake.answer(response, 200, text))
    await assert.rejects(session.keys.get('session', ['1']), BadAnswer)
  })
}

test('a write is stored at a 204 alone', async t => {
  const { fake, session } = await withSession(t)
  failing(fake, response => fake.answer(response, 200, '{}'))
  await assert.rejects(session.keys.set({ session: { 1: 'x' } }), BadAnswer)
})

test('what an answer had no room for is asked for again', async t => {
  const { fake, session } = await withSession(t)
  fake.misbehave = ({ body }, response) => {
    if (!body?.keys) return false
    const [first, ...left] = body.keys
    fake.answer(response, 200, { values: { [first]: first }, ...(left.length ? { left } : {}) })
    return true
  }
  assert.deepEqual({ ...await session.keys.get('session', ['1', '2', '3']) }, { 1: 'session-1', 2: 'session-2', 3: 'session-3' })
  assert.equal(fake.reads.length, 3)
})

test('credentials that cannot be stored reject nothing, are told of, and tried until they are', async t => {
  const { fake, session, errors } = await withSession(t, { limits: { ...SHORT, total: 50 } })
  let unhandled = 0
  const count = () => unhandled++
  process.on('unhandledRejection', count)
  t.after(() => process.off('unhandledRejection', count))
  failing(fake, response => fake.refuse(response, 503))
  const saved = session.saveCreds()
  while (errors.length < 2) await sleep(5)
  assert.ok(errors.every(error => error instanceof Unavailable))
  session.creds.n = 7
  fake.misbehave = () => false
  await saved
  assert.equal(JSON.parse(fake.files().get('creds')).n, 7)
  assert.equal(unhandled, 0)
})

test('a listener that throws does not stop the saving', async t => {
  const { fake, session } = await withSession(t, { limits: { ...SHORT, total: 50 }, onError: () => { throw new Error('mine') } })
  t.mock.method(process, 'emitWarning', () => {})
  failing(fake, response => fake.refuse(response, 503), 4)
  await session.saveCreds()
  assert.ok(fake.files().has('creds'))
})

test('after an instance was dropped elsewhere, nothing brings it back, and saves of credentials end', async t => {
  const { fake, session, errors } = await withSession(t)
  fake.instances.delete('one')
  await session.saveCreds()
  await assert.rejects(session.keys.set({ session: { 1: 'x' } }), error => error.status === 404)
  assert.equal(errors.length, 1)
  assert.equal(fake.instances.has('one'), false)
})

test('close stores what waits, lets go of the lease, and takes nothing after', async t => {
  const { fake, session, errors } = await withSession(t)
  const answers = hold(fake)
  const set = session.keys.set({ session: { 1: 'x' } })
  const underWay = await answers.next()
  session.creds.n = 9
  session.saveCreds()
  const closed = session.close()
  await assert.rejects(session.keys.set({ session: { 2: 'x' } }), Lost)
  underWay.go()
  ;(await answers.next()).go()
  await Promise.all([closed, set])
  assert.equal(JSON.parse(fake.files().get('creds')).n, 9)
  assert.deepEqual(fake.requests.at(-1).body, { instance: 'one', release: true })
  await session.close()
  await session.saveCreds()
  assert.ok(errors[0] instanceof Lost)
})

test('close says so when the credentials are not stored', async t => {
  const { fake, session } = await withSession(t)
  failing(fake, response => fake.refuse(response, 503))
  session.saveCreds()
  await assert.rejects(session.close(), Unavailable)
})

test('drop deletes the instance, and nothing that waited comes after it', async t => {
  const { fake, session } = await withSession(t)
  const answers = hold(fake)
  const first = session.keys.set({ session: { 1: 'x' } })
  const underWay = await answers.next()
  const waiting = session.keys.set({ session: { 2: 'x' } })
  const dropped = session.drop()
  await assert.rejects(waiting, Lost)
  underWay.go()
  await Promise.all([first, dropped])
  assert.equal(fake.instances.has('one'), false)
  assert.deepEqual(fake.requests.map(({ method }) => method), ['POST', 'DELETE'])
})
