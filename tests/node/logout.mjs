/**
 * An account is logged out while it writes, goes on writing as a client does that has not heard of it yet, and is
 * paired again under the same name.
 *
 *     GLOBAL_AUTH_TOKEN=... node logout.mjs URL
 *
 * Prints `pause dropped` and `pause paired`, and waits each time for a line on standard input: the worker can be killed
 * and restarted there. Ends with the line of JSON of report.mjs: `missing` are keys that came back from the dead, too,
 * and `failures` late writes that were not refused with 404.
 */
import { identityOf, openAccount, receiveAppStateKeys, uploadPreKeys } from './account.mjs'
import { Worker } from './client.mjs'
import { Ledger } from './ledger.mjs'
import { finish, pause, total } from './report.mjs'

const [url] = process.argv.slice(2)
const instance = Date.now().toString(36)
const PRE_KEYS = 30
const WRITES = 40

/** The keys of an account that was just paired, and those that the first life alone has, or tries to have. */
const PAIRED = ['creds', 'session-1.0', 'app-state-sync-key-AAAA/Mon', ...preKeys(1, PRE_KEYS)]
const OF_THE_FIRST = [
  'session-late.0',
  ...preKeys(PRE_KEYS + 1, 3 * PRE_KEYS),
  ...Array.from({ length: WRITES }, (_, number) => `sender-key-${number}`)
]

function preKeys (first, last) {
  return Array.from({ length: last - first + 1 }, (_, index) => `pre-key-${first + index}`)
}

const connect = ledger => new Worker(url, process.env.GLOBAL_AUTH_TOKEN, 'logout', ledger)

async function pair (worker) {
  const account = await openAccount(worker, instance)
  await account.save()
  account.update({ me: { id: '5511900000001:7@s.whatsapp.net' } })
  await uploadPreKeys(account, PRE_KEYS)
  await receiveAppStateKeys(account, ['AAAA/Mon'])
  await account.keys.set({ session: { '1.0': { version: 'v1' } } })
  await account.saved()
  await account.save()
  return account
}

/** The drop comes in the middle of many writes: each was acknowledged before it, or is refused. */
async function dropWhileItWrites () {
  const worker = connect()
  const write = number => worker.write(instance, `sender-key-${number}`, { number })
  const numbers = Array.from({ length: WRITES }, (_, number) => number)
  const half = WRITES / 2
  const calls = [...numbers.slice(0, half).map(write), worker.drop(instance), ...numbers.slice(half).map(write)]
  const succeeded = await Promise.all(calls)
  if (!succeeded[half]) total.failures++
  assertRefused(worker, succeeded.filter(success => !success).length)
}

function assertRefused (worker, count) {
  if (worker.refusals.length !== count || worker.refusals.some(status => status !== 404)) total.failures++
  worker.refusals.length = 0
}

/** Nothing of the first life is there, in the list of instances or under a key. */
async function assertGone () {
  const worker = connect()
  if ((await worker.instances()).includes(instance)) total.missing.push(instance)
  await assertAbsent(worker, [...PAIRED, ...OF_THE_FIRST])
  total.failures += worker.failures
}

async function assertAbsent (worker, keys) {
  for (const key of keys) {
    if (await worker.readText(instance, key) !== undefined) total.missing.push(`${instance}/${key}`)
  }
  total.values += keys.length
}

/** What a client writes that has not heard of its logout, each through its cache and transactions. */
async function writeLate (worker, account) {
  await account.save()
  account.update({ accountSyncCounter: 1 })
  await uploadPreKeys(account, PRE_KEYS)
  await receiveAppStateKeys(account, ['AAAA/Mon'])
  await account.keys.set({ session: { 'late.0': { version: 'v1' } } })
  await account.saved()
  // The credentials, also for what the pre-keys and the shared keys change in them.
  assertRefused(worker, 4 + PRE_KEYS + 1 + 1)
  await account.keys.set({ session: { '1.0': null } }) // there is nothing to be deleted, which is no failure
  assertRefused(worker, 0)
}

async function assertIdentity (worker, identity) {
  const { creds, fresh } = await openAccount(worker, instance)
  if (fresh || identityOf(creds) !== identity) total.identities++
}

const worker = connect()
await worker.start()
const first = await pair(worker)
await assertIdentity(worker, identityOf(first.creds))
await dropWhileItWrites()
await assertGone()
await writeLate(worker, first)
await assertGone()
await pause('pause dropped')
await assertGone()
await writeLate(worker, first)
await assertGone()

const ledger = new Ledger()
const again = connect(ledger)
const second = await pair(again)
if (!second.fresh || identityOf(second.creds) === identityOf(first.creds)) total.identities++
await pause('pause paired')
await assertIdentity(again, identityOf(second.creds))
total.missing.push(...await ledger.check(again))
await assertAbsent(again, OF_THE_FIRST)
total.values += ledger.size
total.failures += again.failures
finish()
