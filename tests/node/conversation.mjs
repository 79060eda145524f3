/**
 * Two accounts talk, encrypted, to each other and in a group, with all their keys in the worker, and are reloaded from
 * it every few messages.
 *
 *     GLOBAL_AUTH_TOKEN=... node conversation.mjs URL [--messages 200] [--reload-every 25]
 *                           [--stop never|between|under-way] [--rounds 5] [--pairs 1]
 *
 * `--messages` counts questions, each with its answer and what is said in the group.
 *
 * `--stop between` prints `pause N` before each reload and waits for a line on standard input: the worker can be
 * killed and restarted there, and nothing may be noticed.
 *
 * `--stop under-way` has `--pairs` couples talk at once for `--rounds` rounds. A round lasts until a call fails: kill
 * the worker whenever you like; `said N` marks the progress. The program then prints `interrupted N`, and waits for a
 * line that tells it that the worker is back; the line "enough" makes this round the last one. Before it goes on, every
 * key must hold what was last acknowledged, and both accounts must get their own credentials back. What failed counts as
 * not acknowledged, so the couple greets anew with a fresh pre-key and in a new group, as WhatsApp clients do.
 *
 * Ends with the line of JSON of report.mjs.
 */
import { parseArgs } from 'node:util'
import { identityOf, openAccount, preKeyBundle, uploadPreKeys } from './account.mjs'
import { Worker, say } from './client.mjs'
import { Ledger } from './ledger.mjs'
import { hear, hearInGroup, seal, sealForGroup } from './messages.mjs'
import { finish, pause, total } from './report.mjs'

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

/** Two accounts that write to each other. */
class Couple {
  #accounts
  #identities = {}
  #nextPreKey = 1
  #group
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
      await uploadPreKeys(account, preKeys)
      await account.saved()
    }
    await this.greet()
  }

  /** Forget everything, and ask the worker who we are. */
  async load () {
    this.#accounts = {}
    for (const [person, instance] of Object.entries(this.instances)) {
      const account = await openAccount(worker, instance)
      const identity = identityOf(account.creds)
      this.#identities[person] ??= identity
      if (this.#identities[person] !== identity) total.identities++
      this.#accounts[person] = account
    }
  }

  /** Alice starts a Signal session with Bob, with a pre-key of his that nobody used, and a group with him. */
  async greet () {
    this.#group = `12036300000000${this.#nextPreKey}@g.us`
    const session = await preKeyBundle(this.#accounts.bob, this.#nextPreKey++)
    await this.#accounts.alice.signal.injectE2ESession({ jid: this.numbers.bob, session })
  }

  /** A question, an answer, and both heard by the group. Rejects if one of these does not arrive. */
  async exchange () {
    const number = ++this.#said
    await this.#send('alice', 'bob', `question ${number}`)
    await this.#send('bob', 'alice', `answer ${number}`)
    await this.#tellTheGroup('alice', 'bob', `both ${number}`)
    // Credentials change with each sync.
    for (const account of Object.values(this.#accounts)) {
      account.creds.accountSyncCounter = number
      await account.save()
    }
  }

  async #send (from, to, text) {
    const { [from]: sender, [to]: receiver } = this.#accounts
    const sealed = await seal(sender, this.numbers[from], this.numbers[to], text)
    this.#assertArrived(text, await hear(receiver, this.numbers[from], sealed))
  }

  async #tellTheGroup (from, to, text) {
    const { [from]: sender, [to]: receiver } = this.#accounts
    const sealed = await sealForGroup(sender, this.numbers[from], this.#group, this.numbers[to], text)
    this.#assertArrived(text, await hearInGroup(receiver, this.numbers[from], this.#group, sealed))
  }

  #assertArrived (text, heard) {
    if (heard !== text) throw new Error('a message arrived garbled')
  }
}

/** Three messages; what goes wrong is written to standard error and counted. */
async function exchange (couple) {
  const failuresBefore = worker.failures
  try {
    await couple.exchange()
    total.messages += 3
  } catch (error) {
    // With a call of its own gone wrong, a message may fail: the client was told nothing was stored.
    if (options.stop === 'under-way' && worker.failures > failuresBefore) return
    total.messages += 3
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
  let isEnough = false
  for (let round = 1; round <= options.rounds && !isEnough; round++) {
    const failuresBefore = worker.failures
    await Promise.all(couples.map(async couple => {
      while (worker.failures === failuresBefore) {
        await exchange(couple)
        say(`said ${++said}`)
      }
    }))
    total.interruptions++
    const provoked = worker.failures
    isEnough = await pause(`interrupted ${round}`) === 'enough'
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

await worker.start()
await (options.stop === 'under-way' ? talkUnderFire() : talk())
total.missing.push(...await ledger.check(worker))
total.values = ledger.size
finish()
