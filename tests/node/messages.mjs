/**
 * What two accounts say to each other, sealed by one and heard by the other, alone or in a group.
 *
 * WhatsApp's server is not there to carry it: what is sealed may be heard at any time, in any order, by another process.
 */

/** Encrypt a text for `to`. As Baileys does: a message is one transaction for its sender. */
export async function seal ({ keys, signal }, from, to, text) {
  return keys.transaction(() => signal.encryptMessage({ jid: to, data: Buffer.from(text) }), from)
}

/** The text of what `from` has sealed. Rejects where the account's keys do not open it. */
export async function hear ({ signal }, from, { type, ciphertext }) {
  return Buffer.from(await signal.decryptMessage({ jid: from, type, ciphertext })).toString()
}

/**
 * Encrypt a text for a group in which `to` is too.
 *
 * The first message of a sender comes with its sender key, and the sender remembers who has that.
 */
export async function sealForGroup ({ keys, signal }, from, group, to, text) {
  return keys.transaction(async () => {
    const sealed = await signal.encryptGroupMessage({ group, meId: from, data: Buffer.from(text) })
    const { ciphertext, senderKeyDistributionMessage: senderKey } = sealed
    const { [group]: memory = {} } = await keys.get('sender-key-memory', [group])
    if (memory[to]) return { ciphertext }
    await keys.set({ 'sender-key-memory': { [group]: { ...memory, [to]: true } } })
    return { ciphertext, senderKey }
  }, from)
}

/** The text of what `from` has sealed for a group. Rejects where the account's keys do not open it. */
export async function hearInGroup ({ signal }, from, group, { ciphertext, senderKey }) {
  if (senderKey) {
    const item = { groupId: group, axolotlSenderKeyDistributionMessage: senderKey }
    await signal.processSenderKeyDistributionMessage({ item, authorJid: from })
  }
  return Buffer.from(await signal.decryptGroupMessage({ group, authorJid: from, msg: ciphertext })).toString()
}
