/** Listings, values as Baileys writes them, and ways to reach the worker. */
import assert from 'node:assert/strict'
import { createServer as createTlsServer } from 'node:https'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { useSessionWorkerAuthState } from 'baileys-sessionworker'
import { FakeWorker, IDENTITY, open, withSession } from './fake.mjs'
import { versions } from './versions.mjs'

async function collect (iterable) {
  const all = []
  for await (const one of iterable) all.push(one)
  return all
}

test('list and listIds give the keys of one type over all pages, with what waits to be written', async t => {
  const { session } = await withSession(t)
  const values = Object.fromEntries(Array.from({ length: 8 }, (_, n) => [`g${n}`, n]))
  await session.keys.set({ 'sender-key': values, 'sender-key-memory': { g0: 1, g9: 1 }, session: { 1: 1 } })
  session.keys.set({ 'sender-key': { g8: 8 } })
  const expected = [...Object.entries(values), ['g8', 8]]
  assert.deepEqual(await collect(session.keys.list('sender-key')), expected)
  assert.deepEqual(await collect(session.keys.listIds('sender-key')), expected.map(([id]) => id))
  assert.deepEqual(await collect(session.keys.listIds('sender-key-memory')), ['g0', 'g9'])
  assert.deepEqual(await collect(session.keys.listIds('pre-key')), [])
})

test('clear deletes every key, and leaves the credentials', async t => {
  const { fake, session } = await withSession(t)
  await session.saveCreds()
  await session.keys.set({ session: { 1: 1, 2: 1, 3: 1, 4: 1 }, 'pre-key': { 1: 1 } })
  await session.keys.clear()
  assert.deepEqual([...fake.files().keys()], ['creds'])
})

test('ids may be called like anything that objects have', async t => {
  const { session } = await withSession(t)
  const values = Object.fromEntries(['__proto__', 'constructor', 'toString', '', '/', '😀'].map(id => [id, { id, __proto__: null }]))
  await session.keys.set({ session: values })
  const found = await session.keys.get('session', Object.keys(values))
  assert.deepEqual(Object.keys(found).sort(), Object.keys(values).sort())
  for (const id of Object.keys(values)) assert.equal(found[id].id, id)
})

for (const [version, { BufferJSON, proto, initAuthCreds, Curve }] of Object.entries(versions)) {
  test(`values go and come as those of Baileys ${version} do in its own store`, async t => {
    const key = proto.Message.AppStateSyncKeyData.fromObject({ keyData: Buffer.from('key'), fingerprint: { rawId: 1 }, timestamp: 17 })
    const samples = {
      'pre-key': Curve.generateKeyPair(), session: { _sessions: { 'BQ==': { key: new Uint8Array([1, 2]), gone: undefined } } },
      'sender-key': Buffer.from('[]'), 'app-state-sync-key': key, 'lid-mapping': '123', 'device-list': ['1', null, undefined],
      tctoken: { token: new Uint8Array(0), when: new Date(0) }, 'app-state-sync-version': { hash: Buffer.alloc(128), indexValueMap: {} },
      'identity-key': { type: 'Buffer', data: [1, 2] }, 'sender-key-memory': JSON.parse('{"__proto__":true}')
    }
    const { fake, session } = await withSession(t, { initAuthCreds, proto })
    await session.saveCreds()
    assert.equal(fake.files().get('creds'), JSON.stringify(session.creds, BufferJSON.replacer))
    for (const [type, value] of Object.entries(samples)) {
      await session.keys.set({ [type]: { 1: value } })
      const text = JSON.stringify(value, BufferJSON.replacer)
      assert.equal(fake.files().get(`${type}-1`), text)
      const found = (await session.keys.get(type, ['1']))[1]
      if (type === 'app-state-sync-key') {
        assert.equal(found.constructor, key.constructor)
        assert.deepEqual(Buffer.from(found.keyData), Buffer.from('key'))
      } else {
        assert.deepEqual(found, JSON.parse(text, BufferJSON.reviver))
      }
    }
  })
}

test('the alias has the shape that everybody knows', async t => {
  const fake = await new FakeWorker().start()
  t.after(() => fake.stop())
  const { state, saveCreds, session } = await useSessionWorkerAuthState({
    url: fake.url, token: 'x', group: 'bots', instance: 'alias', initAuthCreds: () => ({ ...IDENTITY })
  })
  await saveCreds()
  assert.equal(state.creds, session.creds)
  assert.equal(state.keys, session.keys)
  assert.ok(fake.files('alias').has('creds'))
})

test('names of groups and instances are escaped, and the token is in its header', async t => {
  const fake = await new FakeWorker().start()
  t.after(() => fake.stop())
  await open(fake, { url: `${fake.url}/`, group: 'São Paulo', instance: 'a?b#c%2F' })
  assert.deepEqual(fake.requests.map(({ url }) => url), [
    '/session/S%C3%A3o%20Paulo', '/session/S%C3%A3o%20Paulo/a%3Fb%23c%252F/creds', '/session/S%C3%A3o%20Paulo/a%3Fb%23c%252F'
  ])
  assert.ok(fake.requests.every(({ headers }) => headers.apikey === 'secret'))
})

test('an address that is none and a missing token are errors at once', async () => {
  await assert.rejects(open({ url: 'ftp://x' }), TypeError)
  await assert.rejects(open({ url: 'nonsense' }), TypeError)
  await assert.rejects(open({ url: 'http://x' }, { token: '' }), TypeError)
})

test('connections are kept: calls one after another take one', async t => {
  const { fake, session } = await withSession(t)
  const ports = new Set()
  fake.misbehave = (_, response) => { ports.add(response.socket.remotePort); return false }
  for (let n = 0; n < 5; n++) await session.keys.set({ session: { 1: n } })
  assert.equal(ports.size, 1)
})

function folder (t) {
  const path = mkdtempSync(join(tmpdir(), 'sessionworker-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

test('a worker behind a Unix socket is reached', async t => {
  const path = join(folder(t), 'socket')
  const fake = await new FakeWorker().start({ path })
  t.after(() => fake.stop())
  const session = await open(fake, { url: 'http://worker', socketPath: path })
  await session.keys.set({ session: { 1: 1 } })
  assert.ok(fake.files().has('session-1'))
})

test('TLS asks for the certificate that is trusted, and shows one\'s own', async t => {
  const place = folder(t)
  const [key, cert] = [join(place, 'key.pem'), join(place, 'cert.pem')]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key,
    '-out', cert, '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'], { stdio: 'ignore' })
  const pem = { key: readFileSync(key), cert: readFileSync(cert) }
  const fake = await new FakeWorker().start({ ...pem, ca: pem.cert, requestCert: true }, createTlsServer)
  t.after(() => fake.stop())
  fake.url = fake.url.replace('http:', 'https:')
  await assert.rejects(open(fake), { name: 'Unavailable' })
  let isKnown
  fake.misbehave = (_, response) => { isKnown = response.socket.authorized; return false }
  const session = await open(fake, { tls: { ca: pem.cert, ...pem } })
  await session.keys.set({ session: { 1: 1 } })
  assert.equal(isKnown, true)
})
