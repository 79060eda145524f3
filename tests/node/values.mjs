/**
 * Every type of key that Baileys has, under every id that is hard on a path, a file name or an object: written, read
 * back and deleted as the APIs do it, through Baileys' cache and transactions, with the id in the path as it is.
 *
 *     GLOBAL_AUTH_TOKEN=... node values.mjs URL [EVERY]
 *
 * With EVERY each so many of the ids alone, beginning with another one for each type, so that all are asked for.
 *
 * Prints `types` and the types that this version has, `pause written` and `pause deleted`, and waits each time for a
 * line on standard input: the worker can be killed and restarted there. Ends with the line of JSON of report.mjs.
 */
import { isDeepStrictEqual } from 'node:util'
import { appStateKey, openAccount } from './account.mjs'
import { Worker, openState, plain, say, textOf } from './client.mjs'
import { finish, pause, total } from './report.mjs'
import { baileys, types } from './versions.mjs'

const [url, every = 1] = process.argv.slice(2)
const worker = new Worker(url, process.env.GLOBAL_AUTH_TOKEN, 'values')
const instance = Date.now().toString(36)

/** Ids that an API can send. Baileys writes the first ones today. */
const IDS = [
  '1', '16777215',
  '5511999999999.0', '123456_1.12', '5511900000001:3@s.whatsapp.net', '5511-1600000000@g.us',
  '120363000000000000@g.us::5511900000001_1::5', '1203-16@g.us::123_1::0',
  'critical_unblock_low', '123@lid', '__index', '123456789012345_reverse',
  'AAAAAMon', 'aaaaaMon', 'AAAA/Mon', 'AA//on==', 'AAAAAMo/', 'AA+on/==', '/AAAMon=', '//', '/',
  '', '.', '..', '../creds', '...', 'ends.', '-', '--', '~', '*', '!', '$HOME',
  "'", '"', '`', '<>', '{}', '[0]', '()', '|', '^', '&=,;',
  'two  spaces', ' one before', 'no\u00a0break', '\u202e', '\u007f',
  'São João', 'Sa\u0303o Joa\u0303o', '電話', '😀',
  '100%', '%', '%zz', 'C%',
  '__proto__', 'constructor', 'toString', 'null', 'undefined', 'NaN', 'creds'
]

/**
 * Ids that no API can send, for what Node makes of them in a URL: `?` begins a query, which the worker refuses, and is
 * left out at the end; what comes after `#` stays at home; `%41` is an `A` at the other end; a backslash becomes a
 * slash; `.` and `..` between slashes are gone; tabs and ends of lines are left out, and a space at the end, too. No
 * version of Baileys has such an id. A client that escapes can have all but the parts `.` and `..`, as it is done here.
 */
const IDS_ESCAPED = [
  '?', 'a?b=c', '#', 'a#b', '%41', '%2F', '%25', '\\', 'tab\tin it', 'two\nlines', '\r', 'a space at the end ', '\u0001'
].map(encodeURIComponent)

/** Of each type a value as Baileys makes it, another one for each number. */
const SAMPLES = {
  'pre-key': () => baileys.Curve.generateKeyPair(),
  session: number => ({ _sessions: { 'BQ==': { registrationId: number, chains: {} } }, version: 'v1' }),
  'sender-key': number => Buffer.from(JSON.stringify([{ senderKeyId: number }])),
  'sender-key-memory': number => ({ [`${number}:3@s.whatsapp.net`]: true }),
  'app-state-sync-key': () => appStateKey(),
  'app-state-sync-version': number => appState(number, { '/+==': { valueMac: Buffer.alloc(32) } }),
  'lid-mapping': number => `${number}`,
  'device-list': number => [`${number}`, '0'],
  tctoken: number => ({ token: Buffer.alloc(16, number), timestamp: `${number}`, senderTimestamp: number }),
  'identity-key': number => Buffer.alloc(33, number)
}

function appState (version, indexValueMap) {
  return { version, hash: Buffer.alloc(128, version), indexValueMap }
}

/** One entry for each contact: past five MiB for a large account. */
const LARGE_KEY = 'app-state-sync-version-critical_block'
const LARGE = appState(7, Object.fromEntries(
  Array.from({ length: 40_000 }, (_, n) => [`${n}`.padStart(43, 'x') + '=', { valueMac: Buffer.alloc(32, n) }])
))

/** JSON texts that only a worker which does not look into values gives back as they were. */
const TEXTS = [
  '""', '"text"', '0', '-0.0', '1e400', '12345678901234567890', 'true', 'false', 'null', '[]', '{}',
  '{ "a" : 1 }\n', '{"b":1,"a":2,"a":3}', '"\\ud83d"', '"\\u00e9 \\ud83d\\ude00 \\/"', '"é 😀"'
]

/** Ids that make a file name of `bytes` bytes with their type: of one letter, of four bytes each, of slashes. */
function idsOfLength (type, bytes) {
  const room = bytes - type.length - 1
  const filledWith = (letter, size) => letter.repeat(room / size) + 'x'.repeat(room % size)
  return [filledWith('x', 1), filledWith('😀', 4), filledWith('/', 3)]
}

const LONGEST = 255

/** type -> id, as it is sent -> value; ids may be called like anything that objects have. */
function makeValues () {
  let number = 0
  return Object.fromEntries(Object.entries(SAMPLES).map(([type, sample], first) => {
    const ids = [...IDS, ...IDS_ESCAPED, ...idsOfLength(type, LONGEST)].filter((_, n) => (n + first) % every === 0)
    return [type, Object.fromEntries(ids.map(id => [id, sample(++number)]))]
  }))
}

/** A key as no way to the worker can change it. */
const escaped = (type, id) => `${type}-${IDS_ESCAPED.includes(id) ? id : encodeURIComponent(id)}`

/** Every value is there: as the APIs read it, and under its exact name. Else two ids could share one key. */
async function compare (values) {
  const { keys } = await openState(worker, instance)
  for (const [type, ofType] of Object.entries(values)) {
    const found = await keys.get(type, Object.keys(ofType))
    await Promise.all(Object.entries(ofType).map(async ([id, value]) => {
      const isFound = found[id] !== undefined && isDeepStrictEqual(plain(found[id]), plain(value))
      if (!isFound) total.missing.push(`${instance}/${type}-${id}`)
      await assertHolds(escaped(type, id), textOf(value))
    }))
  }
}

/** A key holds that text, byte for byte, or nothing where it is undefined. */
async function assertHolds (key, text) {
  total.values++
  if (await worker.readText(instance, key) !== text) total.missing.push(`${instance}/${key}`)
}

async function remove (account, values) {
  for (const [type, ofType] of Object.entries(values)) {
    await account.keys.set({ [type]: Object.fromEntries(Object.keys(ofType).map(id => [id, null])) })
  }
}

/** What is refused must be refused whole: nothing is stored under a part of the name. */
async function tryWhatIsRefused () {
  const unseen = new Worker(url, process.env.GLOBAL_AUTH_TOKEN, 'values')
  const tooLong = Object.keys(SAMPLES).flatMap(type => idsOfLength(type, LONGEST + 1).map(id => `${type}-${id}`))
  for (const key of [...tooLong, 'session-what?b=c']) await unseen.write(instance, key, {})
  if (unseen.failures !== tooLong.length + 1 || unseen.refusals.some(status => status !== 400)) total.failures++
  if (await unseen.readText(instance, 'session-what') !== undefined) total.missing.push(`${instance}/session-what`)
}

const unknown = types.filter(type => !(type in SAMPLES))
if (unknown.length) throw new Error(`no sample of ${unknown}: this program needs one, and the worker's names.py the type`)
say(`types ${types.join(' ')}`)

await worker.start()
const account = await openAccount(worker, instance)
const values = makeValues()
await account.keys.set(values)
// Not through the cache, which takes ten seconds to estimate its size.
await worker.write(instance, LARGE_KEY, LARGE)
for (const [index, text] of TEXTS.entries()) await worker.writeText(instance, `text-${index}`, text)
await tryWhatIsRefused()
await pause('pause written')

await compare(values)
await assertHolds(LARGE_KEY, textOf(LARGE))
for (const [index, text] of TEXTS.entries()) await assertHolds(`text-${index}`, text)
if (!(await worker.instances()).includes(instance)) total.missing.push(instance)

await remove(account, values)
await pause('pause deleted')
for (const [type, ofType] of Object.entries(values)) {
  await Promise.all(Object.keys(ofType).map(id => assertHolds(escaped(type, id), undefined)))
}
total.failures += worker.failures
finish()
