/**
 * Pairs accounts, then connects them again whenever it is told to, and says who came back.
 *
 *     GLOBAL_AUTH_TOKEN=... node reconnect.mjs URL INSTANCE...
 *
 * Pairing saves the credentials several times, as a login does. The program then prints `paired`. For each line on
 * standard input it connects every account anew and prints one line of JSON, instance -> what the client ended up with:
 * - `own`: the credentials that were last acknowledged, all of them;
 * - `old`: its own identity, as it was at some earlier time;
 * - `refused`: the connect stopped before credentials were asked for;
 * - `other`: somebody else's identity;
 * - `fresh`: a new identity, which the real clients would now save over the old one.
 *
 * Every account that came back saves its credentials again, as each connect does.
 */
import { createInterface } from 'node:readline'
import { isDeepStrictEqual } from 'node:util'
import { mintPreKeys } from './account.mjs'
import { Worker, openState, plain, say } from './client.mjs'

const [url, ...instances] = process.argv.slice(2)
const worker = new Worker(url, process.env.GLOBAL_AUTH_TOKEN, 'accounts')
/** instance -> the credentials that were last acknowledged, in their plain form */
const saved = new Map()

async function save (instance, { creds, save }) {
  if (!await save()) throw new Error(`the credentials of ${instance} were not taken`)
  saved.set(instance, plain(creds))
}

async function pair (instance) {
  const state = await openState(worker, instance)
  if (!state.fresh) throw new Error(`${instance} had credentials before it was paired`)
  await save(instance, state)
  for (let count = 5; count <= 20; count += 5) await mintPreKeys(state, count)
  state.creds.me = { id: `${instance}@s.whatsapp.net`, name: instance }
  await save(instance, state)
}

const IDENTITY = ['registrationId', 'noiseKey', 'signedIdentityKey']

function judge (instance, { fresh, creds }) {
  if (fresh) return 'fresh'
  const known = saved.get(instance)
  const found = plain(creds)
  if (isDeepStrictEqual(found, known)) return 'own'
  return IDENTITY.every(field => isDeepStrictEqual(found[field], known[field])) ? 'old' : 'other'
}

async function connect (instance) {
  let state
  try {
    state = await openState(worker, instance)
  } catch {
    return 'refused'
  }
  const verdict = judge(instance, state)
  if (verdict === 'own') {
    state.creds.accountSyncCounter = (state.creds.accountSyncCounter ?? 0) + 1
    await save(instance, state)
  }
  return verdict
}

await worker.start()
for (const instance of instances) await pair(instance)
say('paired')
for await (const _ of createInterface({ input: process.stdin })) {
  const verdicts = {}
  for (const instance of instances) verdicts[instance] = await connect(instance)
  say(JSON.stringify(verdicts))
}
