/**
 * Two accounts talk to each other and in a group through the package, over Baileys' own cache, transactions and Signal
 * code. The worker may be killed at any time: nothing may be noticed.
 *
 *     TOKEN=... BAILEYS=7 node conversation.mjs URL MESSAGES
 *
 * Prints `said N` after each question with its answer, and at the end what came of it as JSON.
 */
import { openSession } from 'baileys-sessionworker'
import { identityOf, openAccount, preKeyBundle, uploadPreKeys } from '../../tests/node/account.mjs'
import { say } from '../../tests/node/client.mjs'
import { baileys, version } from '../../tests/node/versions.mjs'

const [url, messages] = process.argv.slice(2)
const { initAuthCreds, proto } = baileys
const NUMBERS = { alice: '5511900000001@s.whatsapp.net', bob: '5511900000002@s.whatsapp.net' }
const GROUP = '120363000000000001@g.us'
const RELOAD_EVERY = 5

const total = { baileys: version, messages: 0, lost: 0, identities: 0, fresh: 0, errors: 0 }
const identities = {}

async function open (_, instance) {
  const session = await openSession({
    url, token: process.env.TOKEN, group: 'conversation', instance, initAuthCreds, proto, onError: () => total.errors++
  })
  total.fresh += session.isNew
  return { session, creds: session.creds, keys: session.keys, save: session.saveCreds }
}

async function load (accounts = {}) {
  const loaded = {}
  for (const person of Object.keys(NUMBERS)) {
    await accounts[person]?.session.close()
    loaded[person] = await openAccount(undefined, person, open)
    const identity = identityOf(loaded[person].creds)
    identities[person] ??= identity
    if (identities[person] !== identity) total.identities++
    if (accounts[person] === undefined) await loaded[person].save()
  }
  return loaded
}

async function send (accounts, from, to, text) {
  const { [from]: sender, [to]: receiver } = accounts
  const message = { jid: NUMBERS[to], data: Buffer.from(text) }
  const sealed = await sender.keys.transaction(() => sender.signal.encryptMessage(message), NUMBERS[from])
  const heard = await receiver.signal.decryptMessage({ jid: NUMBERS[from], ...sealed })
  if (Buffer.from(heard).toString() !== text) throw new Error('a message arrived garbled')
}

async function tellTheGroup (accounts, from, to, text) {
  const { [from]: sender, [to]: receiver } = accounts
  const authorJid = NUMBERS[from]
  const sealed = await sender.keys.transaction(
    () => sender.signal.encryptGroupMessage({ group: GROUP, meId: authorJid, data: Buffer.from(text) }), authorJid)
  const item = { groupId: GROUP, axolotlSenderKeyDistributionMessage: sealed.senderKeyDistributionMessage }
  if (text === 'both 1') await receiver.signal.processSenderKeyDistributionMessage({ item, authorJid })
  const heard = await receiver.signal.decryptGroupMessage({ group: GROUP, authorJid, msg: sealed.ciphertext })
  if (Buffer.from(heard).toString() !== text) throw new Error('a message arrived garbled')
}

let accounts = await load()
for (const account of Object.values(accounts)) {
  await uploadPreKeys(account, 812)
  await account.saved()
}
await accounts.alice.signal.injectE2ESession({ jid: NUMBERS.bob, session: await preKeyBundle(accounts.bob, 1) })
for (let number = 1; number <= messages; number++) {
  try {
    await send(accounts, 'alice', 'bob', `question ${number}`)
    await send(accounts, 'bob', 'alice', `answer ${number}`)
    await tellTheGroup(accounts, 'alice', 'bob', `both ${number}`)
    accounts.bob.update({ accountSyncCounter: number })
  } catch (error) {
    total.lost++
    process.stderr.write(`${error.stack}\n`)
  }
  total.messages += 3
  say(`said ${number}`)
  if (number % RELOAD_EVERY === 0) accounts = await load(accounts)
}
if (accounts.bob.creds.accountSyncCounter !== +messages) total.lost++
for (const { session } of Object.values(accounts)) await session.close()
say(JSON.stringify(total))
