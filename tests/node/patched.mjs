/**
 * What a patched API does with the worker: everything that Baileys asks of it, and what goes wrong.
 *
 *     GLOBAL_AUTH_TOKEN=... node patched.mjs URL PATCH talk
 *     node patched.mjs - PATCH fail
 *
 * `talk` prints `pause`, and waits for a line that tells it that the worker is gone; it prints `waiting` while a write
 * waits for the worker to come back. `fail` has a worker of its own that fails as it is told.
 *
 * Ends with a line of JSON: what was counted, and what was not as it should be.
 */
import { createServer } from 'node:http'
import { inspect, isDeepStrictEqual } from 'node:util'
import axios from 'axios'
import { plain, say, textOf } from './client.mjs'
import { patched } from './patches.mjs'
import { pause } from './report.mjs'
import { baileys } from './versions.mjs'

const [, , url, patch, scene] = process.argv
const { BufferJSON, proto } = baileys

const wrong = []
const counts = { identities: 0, requests: 0 }

function expect (what, found, expected) {
  if (!isDeepStrictEqual(found, expected)) wrong.push(`${what}: ${inspect(found)}, not ${inspect(expected)}`)
}

/** How many requests a call made. */
async function requestsOf (work) {
  const before = counts.requests
  await work
  return counts.requests - before
}

axios.interceptors.request.use(counted)
const create = axios.create.bind(axios)
axios.create = options => {
  const client = create(options)
  client.interceptors.request.use(counted)
  return client
}

function counted (request) {
  counts.requests++
  return request
}

const given = {
  axios,
  BufferJSON,
  proto,
  delay: baileys.delay,
  initAuthCreds: () => {
    counts.identities++
    return baileys.initAuthCreds()
  }
}

/** Pre-keys by their ids. */
function preKeys (count, first = 1) {
  const pair = number => ({ public: Buffer.alloc(32, number), private: Buffer.alloc(32, number + 1) })
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`${first + index}`, pair(index)]))
}

async function talk () {
  const token = process.env.GLOBAL_AUTH_TOKEN
  const { AuthStateProvider, ProviderFiles } = await patched(patch, given)
  const http = create({ baseURL: `${url}/session`, headers: { apikey: token } })
  await http.post('', { group: 'patched' })
  const provider = new ProviderFiles(url, token, 'patched')
  // One takes the settings first, the other does not.
  const service = new AuthStateProvider(...[{}, provider].slice(-AuthStateProvider.length))
  const { state, saveCreds } = await service.authStateProvider('account')
  await saveCreds()
  const text = async key => (await http.get(`/patched/account/${key}`, { transformResponse: all => all })).data
  const again = await service.authStateProvider('account')
  expect('the identity', plain(again.state.creds), plain(state.creds))
  expect('identities that were made', counts.identities, 1)
  const { keys } = state

  const uploaded = preKeys(812)
  expect('requests for 812 pre-keys', await requestsOf(keys.set({ 'pre-key': uploaded })), 1)
  expect('requests for reading them', await requestsOf(keys.get('pre-key', Object.keys(uploaded))), 1)
  expect('what is read', plain(await keys.get('pre-key', Object.keys(uploaded))), plain(uploaded))
  expect('the bytes of one', await text('pre-key-7'), textOf(uploaded[7]))
  expect('a buffer', Buffer.isBuffer((await keys.get('pre-key', ['7']))[7].public), true)

  const session = Buffer.from('session')
  const mixed = { 'pre-key': { 7: null }, session: { '55.0': session }, 'lid-mapping': { 55: '1234', é: '\ud83d' } }
  expect('requests for several types', await requestsOf(keys.set(mixed)), 1)
  expect('what was deleted', (await keys.get('pre-key', ['7', '8']))[7] ?? undefined, undefined)
  expect('a session', (await keys.get('session', ['55.0']))['55.0'], session)
  expect('texts', { ...(await keys.get('lid-mapping', ['55', 'é'])) }, { 55: '1234', é: '\ud83d' })
  const sync = { keyData: Buffer.alloc(32, 9), fingerprint: { rawId: 1, currentIndex: 2, deviceIndexes: [0] }, timestamp: 5 }
  await keys.set({ 'app-state-sync-key': { 'AA/+on==': proto.Message.AppStateSyncKeyData.fromObject(sync) } })
  const { 'AA/+on==': found } = await keys.get('app-state-sync-key', ['AA/+on=='])
  expect('a sync key', Buffer.from(found.keyData), sync.keyData)

  expect('requests for nothing', await requestsOf(keys.set({})), 0)
  const many = preKeys(12001, 1000)
  expect('requests for 12,001 names', await requestsOf(keys.set({ 'pre-key': many })), 3)
  expect('requests for reading them', await requestsOf(keys.get('pre-key', Object.keys(many))), 3)
  expect('what is read of them', plain(await keys.get('pre-key', Object.keys(many))), plain(many))
  const large = Object.fromEntries(Array.from({ length: 5 }, (_, id) => [id, 'x'.repeat(1.5 * 2 ** 20)]))
  expect('requests for large values', await requestsOf(keys.set({ session: large })), 3)
  expect('large values', { ...(await keys.get('session', Object.keys(large))) }, large)

  await Promise.all(Array.from({ length: 50 }, (_, n) => keys.set({ session: { same: n + 1 } })))
  expect('the last of fifty', (await keys.get('session', ['same'])).same, 50)

  await pause('pause')
  state.creds.accountSyncCounter = 1
  const waiting = [keys.set({ session: { late: 1 } }), saveCreds()]
  say('waiting')
  state.creds.accountSyncCounter = 2
  await Promise.all(waiting)
  expect('what waited for the worker', (await keys.get('session', ['late'])).late, 1)
  expect('the newest creds', JSON.parse(await text('creds')).accountSyncCounter, 2)
}

const TOKEN = 'secret-token'
const missing = { statusCode: 404, error: 'Not Found', message: ['This key holds nothing.'] }
const FAULTS = {
  'no answer': response => response.destroy(),
  'status 503': response => answer(response, 503, { message: ['Too much work is waiting.'] }),
  'status 507': response => answer(response, 507, { message: ['There is no space left.'] }),
  'status 500': response => answer(response, 500, {}),
  'status 401': response => answer(response, 401, { message: ['Wrong token.'] }),
  'status 404': response => answer(response, 404, { message: ['This instance does not exist.'] }),
  'status 404 of a key': response => answer(response, 404, missing),
  'status 405 of an old worker': response => answer(response, 405, { message: ['No such method.'] }),
  'status 409': response => answer(response, 409, { message: ['Another owner holds this instance.'] }),
  'a page': response => answer(response, 200, '<html>'),
  'an empty object': response => answer(response, 200, {}),
  'no values': response => answer(response, 200, { values: {} }),
  'values that are none': response => answer(response, 200, { values: null }),
  'other values': response => answer(response, 200, { values: { 'pre-key-2': 1 } })
}

function answer (response, status, data) {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(data === undefined ? '' : typeof data === 'string' ? data : JSON.stringify(data))
}

/** A worker that fails when it is told to, and that never gives more than ten values at once. */
async function fail () {
  const stored = new Map()
  const faults = []
  const server = createServer(async (request, response) => {
    const { keys, changes } = JSON.parse(Buffer.concat(await request.toArray()))
    const fault = (keys || changes) && faults.shift()
    if (fault) return fault(response)
    for (const [key, value] of Object.entries(changes ?? {})) stored.set(key, value)
    if (!keys) return answer(response, 204)
    const values = Object.fromEntries(keys.slice(0, 10).map(key => [key, stored.get(key) ?? null]))
    answer(response, 200, { values, ...(keys.length > 10 && { left: keys.slice(10) }) })
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const { AuthStateProvider, ProviderFiles } = await patched(patch, { ...given, delay: () => {} }, 50)
  const provider = new ProviderFiles(`http://127.0.0.1:${server.address().port}`, TOKEN, 'patched')
  const service = new AuthStateProvider(...[{}, provider].slice(-AuthStateProvider.length))
  const failing = async (name, call) => {
    faults.splice(0, faults.length, ...Array(10000).fill(FAULTS[name]))
    const error = await call().then(() => undefined, error => error)
    faults.length = 0
    if (!(error instanceof Error)) wrong.push(`${name} was not noticed`)
    else if (/secret|pre-key|apikey|noiseKey/.test(inspect(error, { depth: 20, showHidden: true }))) wrong.push(`${name} tells`)
  }

  for (const name of Object.keys(FAULTS)) await failing(name, () => service.authStateProvider('account'))
  expect('identities that were made of errors', counts.identities, 0)
  const { state, saveCreds } = await service.authStateProvider('account')
  expect('identities that were made', counts.identities, 1)
  for (const name of Object.keys(FAULTS)) {
    await failing(name, () => state.keys.set({ 'pre-key': { 1: { secret: 1 } } }))
    await failing(name, () => state.keys.get('pre-key', ['1']))
    await failing(name, saveCreds)
  }
  expect('what was stored of what failed', [...stored], [])
  faults.push(FAULTS['status 503'], FAULTS['no answer'])
  expect('requests until the worker is back', await requestsOf(state.keys.set({ 'pre-key': preKeys(25) })), 3)
  const ids = Object.keys(preKeys(25))
  expect('requests for what is left over', await requestsOf(state.keys.get('pre-key', ids)), 3)
  expect('what is left over', plain(await state.keys.get('pre-key', ids)), plain(preKeys(25)))
  server.close()
  server.closeAllConnections()
}

await { talk, fail }[scene]()
say(JSON.stringify({ wrong, ...counts }))
process.exit(wrong.length ? 1 : 0)
