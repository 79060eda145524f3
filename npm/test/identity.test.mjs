/** A new identity is made in one case alone. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { BadAnswer, HeldElsewhere, NotPaired, Refused, TooOld, Unavailable } from 'baileys-sessionworker'
import { FakeWorker, IDENTITY, minted, open } from './fake.mjs'

const TEXT = JSON.stringify(IDENTITY, (_, value) => value?.type === 'Buffer' ? { ...value, data: Buffer.from(value.data).toString('base64') } : value)

async function fakeWorker (t) {
  const fake = await new FakeWorker().start()
  t.after(() => fake.stop())
  minted.count = 0
  return fake
}

test('an account that was never paired gets a new identity, and after it is saved it comes back', async t => {
  const fake = await fakeWorker(t)
  const session = await open(fake)
  assert.equal(session.isNew, true)
  assert.equal(minted.count, 1)
  await session.saveCreds()
  await session.close()
  const again = await open(fake)
  assert.equal(again.isNew, false)
  assert.equal(minted.count, 1)
  assert.deepEqual(again.creds, { ...IDENTITY })
})

test('with mayPair: false an account without credentials is an error', async t => {
  const fake = await fakeWorker(t)
  await assert.rejects(open(fake, { mayPair: false }), NotPaired)
  assert.equal(minted.count, 0)
})

/** name -> what `GET creds` is answered with, and the error of it */
const ANSWERS = {
  'the 404 of a missing instance': [(fake, r) => fake.refuse(r, 404, 'This instance does not exist. Create it with POST /session/<group>.'), Refused],
  'a 404 of something else': [(fake, r) => fake.answer(r, 404, '<html>'), Refused],
  'a 404 with nothing in it': [(fake, r) => fake.answer(r, 404), Refused],
  'a 400': [(fake, r) => fake.refuse(r, 400), Refused],
  'a 401': [(fake, r) => fake.refuse(r, 401), Refused],
  'a 500': [(fake, r) => fake.refuse(r, 500), Refused],
  'a 503 that stays': [(fake, r) => fake.refuse(r, 503), Unavailable],
  'a 502 of a proxy that stays': [(fake, r) => fake.answer(r, 502, '<html>'), Unavailable],
  'a 204': [(fake, r) => fake.answer(r, 204), BadAnswer],
  'a 200 of null': [(fake, r) => fake.answer(r, 200, 'null'), BadAnswer],
  'a 200 of nothing': [(fake, r) => fake.answer(r, 200, ''), BadAnswer],
  'a 200 of {}': [(fake, r) => fake.answer(r, 200, '{}'), BadAnswer],
  'a 200 of a list': [(fake, r) => fake.answer(r, 200, '[]'), BadAnswer],
  'a 200 of HTML': [(fake, r) => fake.answer(r, 200, '<html>hello</html>'), BadAnswer],
  'a 200 of half of it': [(fake, r) => fake.answer(r, 200, TEXT.slice(0, 20)), BadAnswer],
  'a 200 that breaks off': [(fake, r) => { r.writeHead(200, { 'Content-Length': 1000 }); r.write(TEXT); setTimeout(() => r.destroy(), 20) }, Unavailable],
  'a reset': [(fake, r) => r.destroy(), Unavailable],
  'no answer': [() => {}, Unavailable]
}

/** Beside one another: some go on for all the time that a call has. */
describe('no identity is made', { concurrency: 12 }, () => {
  for (const [name, [answer, kind]] of Object.entries(ANSWERS)) {
    for (const isPaired of [true, false]) {
      test(`after ${name} (${isPaired ? 'paired' : 'not paired'})`, async t => {
        const fake = await fakeWorker(t)
        let made = 0
        const initAuthCreds = () => { made++; return structuredClone(IDENTITY) }
        if (isPaired) fake.files().set('creds', TEXT)
        fake.misbehave = ({ method }, response) => {
          if (method !== 'GET') return false
          answer(fake, response)
          return true
        }
        await assert.rejects(open(fake, { initAuthCreds }), kind)
        assert.equal(made, 0)
        assert.equal(fake.writes.length, 0)
        fake.misbehave = () => false
        assert.equal((await open(fake, { initAuthCreds })).isNew, !isPaired)
      })
    }
  }
})

test('credentials are not even read where the instance cannot be created', async t => {
  for (const [status, kind] of [[400, Refused], [401, Refused], [409, HeldElsewhere], [503, Unavailable], [200, BadAnswer]]) {
    const fake = await fakeWorker(t)
    fake.misbehave = ({ url }, response) => { if (url === '/session/bots') fake.refuse(response, status); return url === '/session/bots' }
    await assert.rejects(open(fake), kind)
    assert.ok(fake.requests.every(({ method }) => method === 'POST'))
    assert.equal(minted.count, 0)
  }
})

test('a worker that does not know the call for many keys makes no identity, and the error says why', async t => {
  const fake = await fakeWorker(t)
  fake.misbehave = ({ body }, response) => { if (body?.changes || body?.keys) fake.refuse(response, 405); return body?.changes || body?.keys }
  await assert.rejects(open(fake), error => error instanceof TooOld && /too old/.test(error.message))
  assert.equal(minted.count, 0)
  fake.files().set('creds', TEXT)
  const session = await open(fake)
  await assert.rejects(session.keys.get('session', ['1']), TooOld)
  await assert.rejects(session.keys.set({ session: { 1: 1 } }), TooOld)
})

test('a create or a read that fails for a while is repeated, and the account comes back', async t => {
  const fake = await fakeWorker(t)
  fake.files().set('creds', TEXT)
  let left = 5
  fake.misbehave = (_, response) => {
    if (left-- <= 0) return false
    if (left % 2) fake.refuse(response, 503)
    else response.destroy()
    return true
  }
  assert.equal((await open(fake)).isNew, false)
  assert.equal(minted.count, 0)
})

test('no message of an error holds the token', async t => {
  const fake = await fakeWorker(t)
  fake.misbehave = (_, response) => { fake.refuse(response, 401); return true }
  const error = await open(fake).catch(error => error)
  assert.doesNotMatch(`${error.stack} ${JSON.stringify(error)}`, /secret/)
})
