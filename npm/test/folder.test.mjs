/** Taking over a folder of useMultiFileAuthState. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { HeldElsewhere, importFolder } from 'baileys-sessionworker'
import { FakeWorker, SHORT, open } from './fake.mjs'
import { versions } from './versions.mjs'

const CREDS = { noiseKey: {}, signedIdentityKey: {}, n: 3 }
const CLI = fileURLToPath(new URL('../dist/esm/cli.js', import.meta.url))

async function prepare (t, files = { 'creds.json': JSON.stringify(CREDS) }) {
  const folder = mkdtempSync(join(tmpdir(), 'sessionworker-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const fake = await new FakeWorker().start()
  t.after(() => fake.stop())
  return { folder, fake, to: { url: fake.url, token: 'secret', group: 'bots', instance: 'one', limits: SHORT } }
}

for (const [version, { useMultiFileAuthState, initAuthCreds, proto }] of Object.entries(versions)) {
  test(`what Baileys ${version} wrote into a folder comes back from the worker, under its ids`, async t => {
    const { folder, fake, to } = await prepare(t, {})
    const { state, saveCreds } = await useMultiFileAuthState(folder)
    const ids = {
      'sender-key': ['120363@g.us::5511_1::5', '5511-16000@g.us::123::0'], 'sender-key-memory': ['120363@g.us'],
      'app-state-sync-key': ['AA/+on==', 'AAAAAMon'], session: ['5511.0', '123_1.12'], 'pre-key': ['1'], tctoken: ['__index', '12@lid']
    }
    const values = Object.fromEntries(Object.entries(ids).map(([type, ofType]) =>
      [type, Object.fromEntries(ofType.map(id => [id, { keyData: Buffer.from(id) }]))]))
    await state.keys.set(values)
    await saveCreds()
    assert.deepEqual(await importFolder(folder, to), { keys: 10, broken: [] })
    assert.deepEqual(Object.keys(fake.writes.at(-1).body.changes), ['creds'])
    assert.deepEqual(fake.requests.at(-1).body, { instance: 'one', release: true })
    const session = await open(fake, { initAuthCreds, proto })
    assert.equal(session.isNew, false)
    assert.deepEqual(session.creds.noiseKey.private, Buffer.from(state.creds.noiseKey.private))
    for (const [type, ofType] of Object.entries(values)) {
      const found = await session.keys.get(type, Object.keys(ofType))
      for (const id of Object.keys(ofType)) assert.deepEqual(Buffer.from(found[id].keyData), Buffer.from(id), `${type}-${id}`)
    }
  })
}

test('a thousand keys go in one request, the credentials last, and what is no key file stays', async t => {
  const files = { 'creds.json': JSON.stringify(CREDS), 'session-1.json.tmp': '1', 'creds.json.bak': '{}', 'pre-key-0.json': '', 'pre-key-x.json': 'null' }
  for (let n = 1; n <= 2_500; n++) files[`pre-key-${n}.json`] = `{"n":${n}}`
  const { folder, fake, to } = await prepare(t, files)
  assert.deepEqual(await importFolder(folder, to), { keys: 2_500, broken: ['pre-key-0.json', 'pre-key-x.json'] })
  assert.deepEqual(fake.writes.map(({ body }) => Object.keys(body.changes).length), [1_000, 1_000, 500, 1])
  assert.equal(fake.files().size, 2_501)
})

test('an instance that has credentials is left as it is', async t => {
  const { folder, fake, to } = await prepare(t)
  fake.files().set('creds', '{"mine":1}')
  await assert.rejects(importFolder(folder, to), /has credentials already/)
  assert.equal(fake.writes.length, 0)
})

test('a folder without credentials, or with broken ones, is not taken over, and nothing is created', async t => {
  for (const files of [{}, { 'creds.json': '' }, { 'creds.json': '{"half' }, { 'creds.json': '{}' }]) {
    const { folder, fake, to } = await prepare(t, files)
    await assert.rejects(importFolder(folder, to))
    assert.equal(fake.requests.length, 0)
  }
})

test('an account that another process holds is not written', async t => {
  const { folder, fake, to } = await prepare(t)
  fake.misbehave = (_, response) => { fake.refuse(response, 409); return true }
  await assert.rejects(importFolder(folder, to), HeldElsewhere)
})

function cli (args, token) {
  return new Promise(resolve => {
    const env = { PATH: process.env.PATH, ...(token ? { SESSIONWORKER_TOKEN: token } : {}) }
    execFile(process.execPath, [CLI, ...args], { env }, (error, out, said) => resolve({ status: error?.code ?? 0, out, said }))
  })
}

test('the program takes a folder over, with the token of its environment, and says how it went', async t => {
  const { folder, fake } = await prepare(t, { 'creds.json': JSON.stringify(CREDS), 'pre-key-1.json': '1' })
  const args = ['import', folder, fake.url, 'bots', 'one']
  assert.equal((await cli([], 'secret')).status, 2)
  assert.equal((await cli(args)).status, 2)
  const done = await cli(args, 'secret')
  assert.equal(done.status, 0, done.said)
  assert.match(done.out, /1 keys/)
  assert.ok(fake.requests.every(({ headers }) => headers.apikey === 'secret'))
  const again = await cli(args, 'secret')
  assert.equal(again.status, 1)
  assert.match(again.said, /has credentials already/)
})
