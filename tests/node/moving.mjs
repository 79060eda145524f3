/**
 * Two accounts in the midst of a conversation, which move from one place to another.
 *
 *     GLOBAL_AUTH_TOKEN=... node moving.mjs URL PACKAGE
 *
 * PACKAGE is the folder of the npm package's modules. Each line of its standard input is a part of a conversation, as
 * JSON: `{ part, parts, group, place, accounts: { alice, bob }, kept }`. All parts of a conversation have the file `kept`
 * in common, and nothing else but what is stored: both accounts are opened anew for each.
 *
 * In the first part both phones are paired. In each, what was left for it by those before is heard, then messages go
 * both ways, alone and in a group, and then for the next part and for the last one something is left behind that was
 * sealed but not heard: messages of which later ones were heard, so that their keys are kept aside, and the first message
 * of somebody who is elsewhere, sealed with a pre-key.
 *
 * Each part is answered by a line of JSON: the `messages` that were meant to be heard, how many of them were `lost`, how
 * many accounts came as somebody else (`identities`), how many pre-keys are `back` that were used, and the `failures` of
 * calls to the worker.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { accountElsewhere, identityOf, openAccount, preKeyBundle, uploadPreKeys } from './account.mjs'
import { Worker, textOf } from './client.mjs'
import { hear, hearInGroup, seal, sealForGroup } from './messages.mjs'
import { openPlace } from './places.mjs'
import { pause } from './report.mjs'
import { baileys, keepsGroupKeys, version } from './versions.mjs'

const { BufferJSON } = baileys
const [url, npmPackage] = process.argv.slice(2)
const { openSession } = await import(pathToFileURL(`${npmPackage}/index.js`))
const token = process.env.GLOBAL_AUTH_TOKEN

const NUMBERS = { alice: '5511900000001@s.whatsapp.net', bob: '5511900000002@s.whatsapp.net' }
const GROUP = '120363000000000001@g.us'
const PRE_KEYS = 4
/**
 * Of so many messages in a row some are heard, later ones first: keys are kept aside before, between and behind them. In
 * a group it is a few less, as each of those is signed, which takes its time.
 */
const IN_A_ROW = { alone: { said: 4, heard: [3, 1] }, group: { said: 3, heard: [2] } }
const IN_ORDER = { said: 1, heard: [] }

/** Who writes to Bob for the first time, from one number after another. */
const stranger = accountElsewhere()

/** One part of a conversation. */
class Part {
  total = { baileys: version, messages: 0, lost: 0, identities: 0, back: 0, failures: 0 }
  #asked
  #kept = { letters: [], identities: {}, used: [] }
  #accounts = {}
  #preKey
  #said = 0

  constructor (asked) {
    this.#asked = asked
  }

  async play () {
    const { kept, part, parts } = this.#asked
    if (part > 1) this.#kept = JSON.parse(await readFile(kept), BufferJSON.reviver)
    const worker = await this.#open()
    if (part === 1) await this.#greet()
    for (const letter of this.#kept.letters.filter(letter => letter.part === part)) await this.#hear(letter)
    await this.#talk()
    for (const later of new Set(part < parts ? [part + 1, parts] : [])) await this.#leave(later)
    for (const account of Object.values(this.#accounts)) {
      await account.save()
      await account.close()
    }
    this.total.failures = worker.failures
    await writeFile(kept, textOf(this.#kept))
  }

  async #open () {
    const { part, place, group, accounts } = this.#asked
    const worker = new Worker(url, token, group)
    if (place.kind === 'worker') await worker.start()
    for (const [person, name] of Object.entries(accounts)) {
      let close
      const account = await openAccount(worker, name, async () => {
        const { close: closed, ...state } = await openPlace({ ...place, token }, name, { worker, openSession })
        close = closed
        return state
      })
      this.#accounts[person] = { ...account, close }
      const identity = identityOf(account.creds)
      if (part === 1) {
        this.#kept.identities[person] = identity
        pair(account, NUMBERS[person])
        await account.saved()
      } else if (this.#kept.identities[person] !== identity) {
        this.total.identities++
      }
      await uploadPreKeys(account, PRE_KEYS)
      await account.saved()
    }
    const { bob } = this.#accounts
    this.#preKey = bob.creds.nextPreKeyId - PRE_KEYS
    this.total.back = Object.values(await bob.keys.get('pre-key', this.#kept.used)).filter(Boolean).length
    return worker
  }

  async #greet () {
    await this.#accounts.alice.signal.injectE2ESession({ jid: NUMBERS.bob, session: await this.#bundle() })
    this.#kept.used.push(String(this.#preKey++))
  }

  /** What Bob gives away for somebody's first message to him. */
  #bundle () {
    return preKeyBundle(this.#accounts.bob, this.#preKey)
  }

  /** Both tell each other something, and the group. */
  async #talk () {
    for (const kind of ['alone', 'group']) {
      for (const from of Object.keys(NUMBERS)) await this.#hear(await this.#say(kind, from))
    }
  }

  /** Leave something behind for a part to come. */
  async #leave (part) {
    for (const from of Object.keys(NUMBERS)) {
      await this.#leaveSome('alone', from, part, IN_A_ROW.alone)
      if (keepsGroupKeys) await this.#leaveSome('group', from, part, IN_A_ROW.group)
      else if (part === this.#asked.part + 1) await this.#leaveSome('group', from, part, IN_ORDER)
    }
    const from = `55119000001${this.#asked.part}${part}@s.whatsapp.net`
    await stranger.signal.injectE2ESession({ jid: NUMBERS.bob, session: await this.#bundle() })
    const text = `${this.#asked.part}.${++this.#said} of somebody elsewhere`
    const sealed = await seal(stranger, from, NUMBERS.bob, text)
    this.#kept.letters.push({ kind: 'alone', from, to: 'bob', text, sealed, part, preKey: String(this.#preKey++) })
  }

  /** Messages of which some are heard now, and the others in that part. */
  async #leaveSome (kind, from, part, { said, heard }) {
    const letters = []
    while (letters.length < said) letters.push(await this.#say(kind, from, part))
    for (const number of heard) await this.#hear(letters[number])
    this.#kept.letters.push(...letters.filter((_, number) => !heard.includes(number)))
  }

  /** A message of one of the two to the other one. */
  async #say (kind, from, part) {
    const account = this.#accounts[from]
    const to = Object.keys(NUMBERS).find(person => person !== from)
    const text = `${this.#asked.part}.${++this.#said} of ${from}`
    const letter = { kind, from: NUMBERS[from], to, text, part }
    const sealing = kind === 'group'
      ? sealForGroup(account, NUMBERS[from], GROUP, NUMBERS[to], text)
      : seal(account, NUMBERS[from], NUMBERS[to], text)
    // What cannot be sealed is not heard either, and is lost then.
    return { ...letter, sealed: await sealing.catch(error => ({ failed: error.message })) }
  }

  async #hear ({ kind, from, to, text, sealed, preKey }) {
    const receiver = this.#accounts[to]
    this.total.messages++
    try {
      if (sealed.failed) throw new Error(sealed.failed)
      const heard = kind === 'group' ? await hearInGroup(receiver, from, GROUP, sealed) : await hear(receiver, from, sealed)
      if (heard !== text) throw new Error('a message arrived garbled')
      if (preKey) this.#kept.used.push(preKey)
    } catch (error) {
      this.total.lost++
      process.stderr.write(`${version}, part ${this.#asked.part}, ${kind}, ${text}: ${error.stack}\n`)
    }
  }
}

/** What pairing leaves in the credentials. */
function pair (account, number) {
  const [phone, server] = number.split('@')
  account.update({
    me: { id: `${phone}:1@${server}`, name: 'somebody' },
    account: { details: 'CJ', accountSignatureKey: 'a2V5', accountSignature: 'c2ln', deviceSignature: 'c2ln' }
  })
}

let asked = JSON.parse(await pause('ready'))
for (;;) {
  const part = new Part(asked)
  await part.play()
  asked = JSON.parse(await pause(JSON.stringify(part.total)))
}
