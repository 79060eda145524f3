/**
 * Accounts are paired, with all that a first login brings: 812 pre-keys, the keys of the app state, the history with
 * who has which LID, the sender keys of a group and a few changes of the app state. Then they are loaded anew, every
 * value is compared, and the keys are used.
 *
 *     GLOBAL_AUTH_TOKEN=... node pairing.mjs URL [--stop never|under-way] [--rounds 1] [--accounts 1]
 *                           [--contacts 100] [--members 20]
 *
 * Each round has new accounts. With `--stop under-way` it begins with a line `round N`, and they are paired again and
 * again until a call fails: kill the worker whenever you like; `step` and its name mark the progress. The program then
 * prints `interrupted N`, and waits for a line that tells it that the worker is back. Every key must hold what was last
 * acknowledged, and each account whose credentials were must be who it was. It goes on to the end with what it has.
 *
 * Ends with the line of JSON of report.mjs.
 */
import { isDeepStrictEqual, parseArgs } from 'node:util'
import {
  accountElsewhere, identityOf, mute, openAccount, receiveAppStateKeys, receiveHistory, replay, uploadPreKeys
} from './account.mjs'
import { Worker, plain, say } from './client.mjs'
import { Ledger } from './ledger.mjs'
import { finish, pause, total } from './report.mjs'

const { positionals: [url], values: options } = parseArgs({
  allowPositionals: true,
  options: {
    stop: { type: 'string', default: 'never' },
    rounds: { type: 'string', default: '1' },
    accounts: { type: 'string', default: '1' },
    contacts: { type: 'string', default: '100' },
    members: { type: 'string', default: '20' }
  }
})

const ledger = new Ledger()
const worker = new Worker(url, process.env.GLOBAL_AUTH_TOKEN, 'pairing', ledger)
const run = Date.now().toString(36)

const GROUP = '120363000000000000@g.us'
const COLLECTION = 'regular'
const PRE_KEYS = 812
const MORE_PRE_KEYS = 5

const contacts = Array.from({ length: options.contacts }, (_, number) => ({
  pn: `5511${9e8 + number}@s.whatsapp.net`,
  lid: `${10 ** 14 + number}@lid`
}))

/** The others in the group, each with its first message and the sender key that goes before it. */
const members = await Promise.all(Array.from({ length: options.members }, async (_, number) => {
  const jid = `5521${9e8 + number}:${number % 3}@s.whatsapp.net`
  const text = `from ${number}`
  const { signal } = accountElsewhere()
  return { jid, text, ...await signal.encryptGroupMessage({ group: GROUP, meId: jid, data: Buffer.from(text) }) }
}))

class Pairing {
  #account
  #identity

  constructor (number) {
    this.instance = `${run}-${number}`
    this.jid = `5531${9e8 + number}:7@s.whatsapp.net`
  }

  /** Connect, and do what is left to do. What fails is noticed later: the real clients notice nothing either. */
  async attempt () {
    await this.load()
    const account = this.#account
    const steps = {
      credentials: async () => {
        if (await account.save()) this.#identity ??= identityOf(account.creds)
        account.update({ me: { id: this.jid, name: 'Loja São' }, signalIdentities: [] })
        account.update({ registered: true })
      },
      'pre-keys': async () => uploadPreKeys(account, await this.#hasNewestPreKey() ? MORE_PRE_KEYS : PRE_KEYS),
      'app state keys': () => receiveAppStateKeys(account, ['AAAAAMon', 'AA//on==', '/AAA+on=']),
      history: () => receiveHistory(account, contacts),
      group: async () => {
        for (const { jid, senderKeyDistributionMessage } of members) {
          const item = { groupId: GROUP, axolotlSenderKeyDistributionMessage: senderKeyDistributionMessage }
          await account.signal.processSenderKeyDistributionMessage({ item, authorJid: jid })
        }
      },
      'app state': async () => {
        for (const { pn } of contacts.slice(0, 5)) await mute(account, COLLECTION, pn)
      }
    }
    try {
      for (const [name, step] of Object.entries(steps)) {
        say(`step ${name}`)
        await step()
      }
    } finally {
      await account.saved()
    }
    await account.save()
  }

  /** Forget everything, and ask the worker who we are. */
  async load () {
    const before = worker.failures
    this.#account = await openAccount(worker, this.instance)
    const isOther = this.#identity !== undefined && identityOf(this.#account.creds) !== this.#identity
    if (isOther && worker.failures === before) total.identities++
  }

  /** As Baileys asks at each connect. */
  async #hasNewestPreKey () {
    const { creds, keys } = this.#account
    const id = String(creds.nextPreKeyId - 1)
    return (await keys.get('pre-key', [id]))[id] !== undefined
  }

  /** The keys are good for something: the app state adds up, and every member of the group is heard. */
  async use () {
    const appState = async () => (await this.#account.keys.get('app-state-sync-version', [COLLECTION]))[COLLECTION]
    const before = await appState()
    const patches = []
    for (const chat of [contacts[0].pn, GROUP]) patches.push(await mute(this.#account, COLLECTION, chat))
    await this.load()
    const replayed = await replay(this.#account, COLLECTION, patches, before)
    if (!isDeepStrictEqual(plain(replayed), plain(await appState()))) throw new Error('the app state does not add up')
    for (const { jid, text, ciphertext } of members) await this.#hear(jid, text, ciphertext)
  }

  async #hear (jid, text, ciphertext) {
    total.messages++
    try {
      const heard = await this.#account.signal.decryptGroupMessage({ group: GROUP, authorJid: jid, msg: ciphertext })
      if (Buffer.from(heard).toString() !== text) throw new Error('a message arrived garbled')
    } catch (error) {
      lost(error)
    }
  }
}

function lost (error) {
  total.lost++
  process.stderr.write(`${error.stack}\n`)
}

async function untilInterrupted (pairing, failuresBefore) {
  while (worker.failures === failuresBefore) {
    try {
      await pairing.attempt()
    } catch (error) {
      if (worker.failures === failuresBefore) throw error
    }
  }
}

await worker.start()
let number = 0
for (let round = 1; round <= options.rounds; round++) {
  const pairings = Array.from({ length: options.accounts }, () => new Pairing(++number))
  if (options.stop === 'under-way') {
    say(`round ${round}`)
    const before = worker.failures
    await Promise.all(pairings.map(pairing => untilInterrupted(pairing, before)))
    total.interruptions++
    await pause(`interrupted ${round}`)
    total.missing.push(...await ledger.check(worker, pairings.map(({ instance }) => instance)))
  }
  const provoked = worker.failures
  await Promise.all(pairings.map(pairing => pairing.attempt()))
  for (const pairing of pairings) {
    await pairing.load()
    await pairing.use().catch(lost)
  }
  total.failures += worker.failures - provoked
}
total.missing.push(...await ledger.check(worker))
total.values = ledger.size
finish()
