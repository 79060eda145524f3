/**
 * A WhatsApp account as Baileys has it: with its own Signal code, cache, transactions and app state.
 *
 * WhatsApp's server is not there: what it would bring along is handed over by hand.
 */
import { openState } from './client.mjs'
import { baileys, historyNotification, processMessage } from './versions.mjs'

const { BufferJSON, proto } = baileys

/** Baileys wants a logger; the tests want its silence. */
const silentLogger = { level: 'silent', child: () => silentLogger }
for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal']) silentLogger[level] = () => {}

/** What is never to change for an account. */
export function identityOf ({ registrationId, noiseKey, signedIdentityKey }) {
  return JSON.stringify([registrationId, noiseKey, signedIdentityKey], BufferJSON.replacer)
}

/**
 * An account that can encrypt and decrypt: every step of its ratchets goes through the worker.
 *
 * `open` is how its state is opened: as the APIs do it, if not given.
 */
export async function openAccount (worker, instance, open = openState) {
  const { save, ...state } = await open(worker, instance)
  const saves = []
  return {
    ...signalOver(state),
    save,
    /** Take on what Baileys says in a `creds.update`. The real clients save at once, and wait for nothing. */
    update (changes) {
      Object.assign(state.creds, changes)
      saves.push(save())
    },
    /** All that was begun to be saved has been, or has failed. */
    saved: () => Promise.all(saves)
  }
}

/** An account that is somewhere else: its keys are in memory. */
export function accountElsewhere () {
  const values = new Map()
  const keys = {
    get: (type, ids) => Object.fromEntries(ids.map(id => [id, values.get(`${type}-${id}`)])),
    set (changes) {
      for (const [type, ofType] of Object.entries(changes)) {
        for (const [id, value] of Object.entries(ofType)) values.set(`${type}-${id}`, value)
      }
    }
  }
  return signalOver({ creds: baileys.initAuthCreds(), keys })
}

/** Baileys' own cache, transactions and Signal code over a state. */
function signalOver (state) {
  const cached = baileys.makeCacheableSignalKeyStore(state.keys, silentLogger)
  const keys = baileys.addTransactionCapability(cached, silentLogger, { maxCommitRetries: 1, delayBetweenTriesMs: 10 })
  const auth = { creds: state.creds, keys }
  return { ...state, keys, signal: baileys.DEFAULT_CONNECTION_CONFIG.makeSignalRepository(auth, silentLogger) }
}

/** Make `count` new pre-keys as a login does, and give them to nobody. */
export async function uploadPreKeys (account, count) {
  await account.keys.transaction(async () => {
    const { update } = await baileys.getNextPreKeysNode(account, count)
    account.update(update)
  }, 'upload-pre-keys')
}

/** A message that the account's own phone sends it, dealt with by Baileys. */
async function hearFromPhone (account, protocolMessage) {
  const { creds, keys, signal } = account
  const key = { fromMe: true, remoteJid: creds.me.id, id: 'from the phone' }
  const emit = (event, changes) => { if (event === 'creds.update') account.update(changes) }
  await processMessage({ key, message: { protocolMessage }, messageTimestamp: 1 }, {
    shouldProcessHistoryMsg: true,
    ev: { emit },
    creds,
    keyStore: keys,
    signalRepository: signal,
    logger: silentLogger,
    options: {}
  })
}

/** The phone shares the keys of its settings and chats. Their ids are bytes, of which Baileys makes base64. */
export async function receiveAppStateKeys (account, ids) {
  const keys = ids.map(id => ({ keyId: { keyId: Buffer.from(id, 'base64') }, keyData: appStateKey() }))
  const type = proto.Message.ProtocolMessage.Type.APP_STATE_SYNC_KEY_SHARE
  await hearFromPhone(account, { type, appStateSyncKeyShare: { keys } })
}

/** The phone sends what it knows of its chats, each `{ pn, lid }`. False where this version stores nothing of it. */
export async function receiveHistory (account, contacts) {
  const historySyncNotification = historyNotification(contacts)
  if (historySyncNotification === undefined) return false
  const type = proto.Message.ProtocolMessage.Type.HISTORY_SYNC_NOTIFICATION
  await hearFromPhone(account, { type, historySyncNotification })
  return true
}

/** A key of app state, of Baileys' own class. */
export function appStateKey () {
  return proto.Message.AppStateSyncKeyData.fromObject({
    keyData: baileys.Curve.generateKeyPair().private,
    fingerprint: { rawId: 1, currentIndex: 0, deviceIndexes: [0, 1] },
    timestamp: 1700000000000
  })
}

/** Mute a chat: one step of `collection`'s app state, whose whole table is stored anew. Returns the patch. */
export async function mute ({ creds, keys }, collection, chat) {
  return keys.transaction(async () => {
    const { [collection]: found } = await keys.get('app-state-sync-version', [collection])
    const change = {
      type: collection,
      index: ['mute', chat],
      syncAction: { muteAction: { muted: true, muteEndTimestamp: 1 } },
      apiVersion: 2,
      operation: proto.SyncdMutation.SyncdOperation.SET
    }
    const initial = found ?? baileys.newLTHashState()
    const { patch, state } = await baileys.encodeSyncdPatch(change, creds.myAppStateKeyId, initial, appStateKeys(keys))
    await keys.set({ 'app-state-sync-version': { [collection]: state } })
    return { ...patch, version: { version: state.version } }
  }, 'app-patch')
}

/** What `patches` make of a state of app state. Baileys checks their sums, and leaves out what it cannot read. */
export async function replay ({ keys }, collection, patches, initial) {
  const copies = patches.map(patch => ({ ...patch })) // it empties them
  const readKey = appStateKeys(keys)
  const { state } = await baileys.decodePatches(collection, copies, initial, readKey, {}, undefined, silentLogger, true)
  return state
}

const appStateKeys = keys => async id => (await keys.get('app-state-sync-key', [id]))[id]

/** Make pre-keys 1 to `count`, as pairing does, and note in the credentials which one comes next. */
export async function mintPreKeys (account, count) {
  const ids = Array.from({ length: count }, (_, index) => index + 1)
  await account.keys.set({ 'pre-key': Object.fromEntries(ids.map(id => [id, baileys.Curve.generateKeyPair()])) })
  account.creds.nextPreKeyId = count + 1
  await account.save()
}

/** What WhatsApp's server hands to someone who writes to `account` for the first time, with its pre-key `id`. */
export async function preKeyBundle ({ creds, keys }, id) {
  const { [id]: preKey } = await keys.get('pre-key', [String(id)])
  const { keyPair, keyId, signature } = creds.signedPreKey
  return {
    registrationId: creds.registrationId,
    identityKey: baileys.generateSignalPubKey(creds.signedIdentityKey.public),
    signedPreKey: { keyId, signature, publicKey: baileys.generateSignalPubKey(keyPair.public) },
    preKey: { keyId: id, publicKey: baileys.generateSignalPubKey(preKey.public) }
  }
}
