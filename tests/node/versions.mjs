/**
 * The versions of Baileys that the tests have as clients, and all in which they differ.
 *
 * One process has one of them: the one that the environment variable `BAILEYS` names, or else the newest. Each is
 * pinned in package.json under a name of its own, `baileys-6.7` for example. The makers of 6 take the Signal library
 * from its repository; package.json puts the release of that same state in its place.
 *
 * What looks different but is called in one way: `makeCacheableSignalKeyStore` needs its logger in 6.17 alone, and
 * `transaction` needs the name of what it locks in 7 alone. 6 has one transaction for a whole account, which everything
 * joins that happens meanwhile, and 7 one for each name; 6 takes no notice of the name.
 */
import { readFile } from 'node:fs/promises'
import { deflateSync } from 'node:zlib'

const name = process.env.BAILEYS ?? '7'

const readPart = path => readFile(new URL(`node_modules/baileys-${name}/${path}`, import.meta.url), 'utf8')

/** A module, ESM in 6.7 and 7; in 6.17 it is CommonJS, whose exports are all in the default one. */
async function load (path) {
  const module = await import(`baileys-${name}${path}`)
  return name === '6.17' ? module.default : module
}

/** The exact version. */
export const { version } = JSON.parse(await readPart('package.json'))

export const baileys = await load('')

/** What Baileys does with a message that is meant for the client itself, as its phone sends them. */
export const { default: processMessage } = await load('/lib/Utils/process-message.js')

/**
 * Whether a message of a group can be heard after a later one. 6.17 and 7 store its key, which was kept aside, in a form
 * that they cannot use again: it is lost to them wherever they keep their accounts.
 */
export const keepsGroupKeys = name === '6.7'

/** The types of keys that this version writes: the fields of its SignalDataTypeMap. */
export const types = await (async () => {
  const [, fields] = /type SignalDataTypeMap = \{([^]*?)\n\}/.exec(await readPart('lib/Types/Auth.d.ts'))
  return [...fields.matchAll(/^ {4}'?([\w-]+)'?:/gm)].map(([, type]) => type)
})()

/**
 * What a phone sends of its chats, for `processMessage`; undefined in 6.
 *
 * 7 takes it from the message itself, and stores who has which LID and the tokens of the chats. 6 fetches it from
 * WhatsApp's server, which is not there, and stores nothing of it.
 */
export function historyNotification (contacts) {
  if (name !== '7') return undefined
  const { HistorySync } = baileys.proto
  const history = {
    syncType: HistorySync.HistorySyncType.RECENT,
    phoneNumberToLidMappings: contacts.map(({ pn, lid }) => ({ pnJid: pn, lidJid: lid })),
    conversations: contacts.map(({ lid }, number) => ({
      id: lid,
      tcToken: Buffer.alloc(32, number),
      tcTokenTimestamp: number + 1
    }))
  }
  const payload = deflateSync(HistorySync.encode(HistorySync.create(history)).finish())
  return { syncType: history.syncType, initialHistBootstrapInlinePayload: payload }
}
