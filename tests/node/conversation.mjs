/**
 * Two accounts talk, encrypted, with all their keys in the worker, and are reloaded from it every few messages.
 * Then every shape of value and every awkward id that Baileys writes is stored and read back.
 *
 *     GLOBAL_AUTH_TOKEN=... node conversation.mjs URL [--messages 200] [--reload-every 25]
 *                           [--stop never|between|under-way] [--rounds 5] [--pairs 1]
 *
 * `--stop between` prints `pause N` before each reload and waits for a line on standard input: the worker can be
 * killed and restarted there, and nothing may be noticed.
 *
 * `--stop under-way` has `--pairs` couples talk at once for `--rounds` rounds. A round lasts until a call fails: kill
 * the worker whenever you like; `said N` marks the progress. The program then prints `interrupted N`, and waits for a
 * line that tells it that the worker is back. Before it goes on, every key must hold what was last acknowledged, and
 * both accounts must get their own credentials back. What failed counts as not acknowledged, so the couple greets
 * anew with a fresh pre-key, as WhatsApp clients do.
 *
 * Ends with one line of JSON, and with exit status 1 if anything is lost:
 * - `messages` that were meant to arrive, and `lost` ones that did not;
 * - `identities`: how often an account came back as somebody else;
 * - `missing`: keys that do not hold what was acknowledged, byte for byte;
 * - `failures`: calls that failed, less those that `--stop under-way` provokes;
 * - `keys` checked, and `interruptions` survived.
 */
import { createInterface } from 'node:readline'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { Worker, mintPreKeys, openAccount, openState, preKeyBundle, say } from './client.mjs'
import { Ledger } from './ledger.mjs'

const { positionals: [url], values: options } = parseArgs({
  allowPositionals: true,
  options: {
    messages: { type: 'string', default: '200' },
    'reload-every': { type: 'string', default: '25' },
    stop: { type: 'string', default: 'never' },
    rounds: { type: 'string', default: '5' },
    pairs: { type: 'string', default: '1' }
  }
})

const ledger = new Ledger()
const worker = new Worker(url, process.env.GLOBAL_AUTH_TOKEN, 'conversation', ledger)
const run = Date.now().toString(36)
const total = { messages: 0, lost: 0, identities: 0, missing: [], failures: 0, keys: 0, interruptions: 0 }

const standardInput = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

/** Print a line, and go on when one comes back. */
async function pause (line) {
  say(line)
  const { done } = await standardInput.next()
  if (done) throw new Error('standard input ended while a line was awaited')
}

/** Two accounts that write to each other. */
class Couple {
  #accounts
  #identities = {}
  #nextPreKey = 1
  #said = 0

  /** The Signal library takes its turns by number, for all accounts: each couple has numbers of its own. */
  constructor (number) {
    this.instances = { alice: `${run}-${number}-alice`, bob: `${run}-${number}-bob` }
    this.numbers = { alice: `55119${number}0001@s.whatsapp.net`, bob: `55119${number}0002@s.whatsapp.net` }
  }

  /** Pair both phones and let Alice greet Bob. */
  async meet (preKeys) {
    await this.load()
    for (const account of Object.values(this.#accounts)) {
      await account.save()
      await mintPreKeys(account, preKeys)
    }
    await this.greet()
  }

  /** Forget everything, and ask the worker who we are. */
  async load () {
    this.#accounts = {}
    for (const [person, instance] of Object.entries(this.instances)) {
      const account = await openAccount(worker, instance)
      const { registrationId, noiseKey, signedIdentityKey } = account.creds
      const identity = JSON.stringify([registrationId, noiseKey, signedIdentityKey])
      this.#identities[person] ??= identity
      if (this.#identities[person] !== identity) total.identities++
      this.#accounts[person] = account
    }
  }

  /** Alice starts a Signal session with Bob, with a pre-key of his that nobody used. */
  async greet () {
    const session = await preKeyBundle(this.#accounts.bob, this.#nextPreKey++)
    await this.#accounts.alice.signal.injectE2ESession({ jid: this.numbers.bob, session })
  }

  /** A question, an answer, and the credentials saved as they are after a sync. Rejects if either does not arrive. */
  async exchange () {
    const number = ++this.#said
    await this.#send('alice', 'bob', `question ${number}`)
    await this.#send('bob', 'alice', `answer ${number}`)
    for (const account of Object.values(this.#accounts)) {
      account.creds.accountSyncCounter = number
      await account.save()
    }
  }

  async #send (from, to, text) {
    const { [from]: sender, [to]: receiver } = this.#accounts
    const sealed = await sender.signal.encryptMessage({ jid: this.numbers[to], data: Buffer.from(text) })
    const heard = await receiver.signal.decryptMessage({ jid: this.numbers[from], ...sealed })
    if (Buffer.from(heard).toString() !== text) throw new Error('a message arrived garbled')
  }
}

/** Two messages; what goes wrong is written to standard error and counted. */
async function exchange (couple) {
  const failuresBefore = worker.failures
  try {
    await couple.exchange()
    total.messages += 2
  } catch (error) {
    // With a call of its own gone wrong, a message may fail: the client was told nothing was stored.
    if (options.stop === 'under-way' && worker.failures > failuresBefore) return
    total.messages += 2
    total.lost++
    process.stderr.write(`${error.stack}\n`)
  }
}

/** A set number of messages, reloaded every few. */
async function talk () {
  const couple = new Couple(0)
  await couple.meet(10)
  for (let number = 0; number < options.messages; number++) {
    if (number > 0 && number % options['reload-every'] === 0) {
      if (options.stop === 'between') await pause(`pause ${number}`)
      await couple.load()
    }
    await exchange(couple)
  }
  total.failures = worker.failures
}

/** Couples that talk until the worker is killed under them, again and again. */
async function talkUnderFire () {
  const couples = Array.from({ length: options.pairs }, (_, index) => new Couple(index))
  await Promise.all(couples.map(couple => couple.meet(+options.rounds + 2)))
  total.failures = worker.failures
  let said = 0
  for (let round = 1; round <= options.rounds; round++) {
    const failuresBefore = worker.failures
    await Promise.all(couples.map(async couple => {
      while (worker.failures === failuresBefore) {
        await exchange(couple)
        say(`said ${++said}`)
      }
    }))
    total.interruptions++
    const provoked = worker.failures
    await pause(`interrupted ${round}`)
    total.missing.push(...await ledger.check(worker))
    for (const couple of couples) {
      await couple.load()
      await couple.greet()
    }
    total.failures += worker.failures - provoked
  }
  const provoked = worker.failures
  for (const couple of couples) await exchange(couple)
  total.failures += worker.failures - provoked
}

/** Every shape of value and every awkward id that Baileys writes: type -> id -> value. */
const AWKWARD = {
  'pre-key': { 1: { public: Buffer.alloc(32, 1) }, 16777215: { public: Buffer.alloc(32, 2) } },
  session: { '5511999999999.0': { version: 'v1' }, '123456_1.12': { version: 'v1', _sessions: {} } },
  'sender-key': { '120363000000000000@g.us::5511900000001_1::5': Buffer.from('a state'), '1203-16@g.us::123_1::0': [{ senderKeyId: 1 }] },
  'sender-key-memory': { '5511-1600000000@g.us': { '5511900000001:3@s.whatsapp.net': true } },
  'app-state-sync-key': {
    AAAAAMon: { keyData: 'a+/=', timestamp: '1' },
    'AAAA/Mon': { keyData: 'one slash' },
    'AA//on==': { keyData: 'two slashes' },
    'AAAAAMo/': { keyData: 'a slash at the end' },
    'AA+on/==': { keyData: 'a plus is a plus' },
    '/AAAMon=': { keyData: 'a slash at the start' }
  },
  // One entry for each contact: past five MiB for a large account.
  'app-state-sync-version': {
    critical_unblock_low: {
      version: 7,
      hash: Buffer.alloc(128, 3),
      indexValueMap: Object.fromEntries(Array.from({ length: 40_000 }, (_, n) => [`${n}`.padStart(43, 'x') + '=', { valueMac: Buffer.alloc(32, n) }]))
    },
    regular: { version: 0, hash: Buffer.alloc(128), indexValueMap: {} }
  },
  'lid-mapping': { 5511900000001: '123456789012345', '123456789012345_reverse': '5511900000001' },
  'device-list': { 5511900000001: ['0', '12'], 5511900000002: [] },
  tctoken: { '123@lid': { timestamp: '1', token: Buffer.from('t') }, __index: { token: Buffer.from('["123@lid"]') } },
  'identity-key': { '123_1.0': Buffer.alloc(33, 5) }
}

/** JSON texts that only a worker which does not look into values gives back as they were. */
const TEXTS = ['""', '"text"', '0', '-0.0', '1e400', '12345678901234567890', 'true', 'false', 'null', '[]', '{}', '{ "a" : 1 }\n', '{"b":1,"a":2,"a":3}', '"\\ud83d"', '"\\u00e9 \\ud83d\\ude00 \\/"', '"é 😀"']

async function storeAwkwardValues () {
  const failuresBefore = worker.failures
  const instance = `${run}-values`
  const { keys } = await openState(worker, instance)
  await keys.set(AWKWARD)
  for (const [index, text] of TEXTS.entries()) await worker.writeText(instance, `text-${index}`, text)
  await worker.write(instance, 'session-gone.0', { version: 'v1' })
  await keys.set({ session: { 'gone.0': null } })

  if (options.stop === 'between') await pause('pause values')
  for (const [type, values] of Object.entries(AWKWARD)) {
    const found = await keys.get(type, Object.keys(values))
    for (const [id, value] of Object.entries(values)) {
      if (!isDeepStrictEqual(found[id], value)) total.missing.push(`${instance}/${type}-${id}`)
    }
  }
  if (!(await worker.instances()).includes(instance)) total.missing.push(instance)
  total.failures += worker.failures - failuresBefore
}

await worker.start()
await (options.stop === 'under-way' ? talkUnderFire() : talk())
await storeAwkwardValues()
total.missing.push(...await ledger.check(worker))
total.keys = ledger.size
say(JSON.stringify(total))
process.exit(total.lost || total.identities || total.missing.length || total.failures ? 1 : 0)
