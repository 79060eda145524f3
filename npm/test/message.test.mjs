/** How many requests an ordinary message is, with Baileys' own cache, transactions and Signal code. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openAccount, preKeyBundle, uploadPreKeys } from '../../tests/node/account.mjs'
import { baileys } from '../../tests/node/versions.mjs'
import { FakeWorker, open } from './fake.mjs'

const { initAuthCreds, proto } = baileys
const BOB = '5511900000002@s.whatsapp.net'

for (const [lease, owner, expected] of [['with the lease', undefined, 1], ['without', false, 3]]) {
  test(`a message to one phone is ${expected} request${expected > 1 ? 's' : ''} ${lease}`, async t => {
    const fake = await new FakeWorker().start()
    t.after(() => fake.stop())
    const openState = async (_, instance) => {
      const session = await open(fake, { instance, initAuthCreds, proto, owner })
      t.after(() => session.close())
      return { creds: session.creds, keys: session.keys, save: session.saveCreds }
    }
    const [alice, bob] = [await openAccount(undefined, 'alice', openState), await openAccount(undefined, 'bob', openState)]
    await uploadPreKeys(bob, 5)
    await bob.saved()
    await alice.signal.injectE2ESession({ jid: BOB, session: await preKeyBundle(bob, 1) })
    const say = () => alice.keys.transaction(() => alice.signal.encryptMessage({ jid: BOB, data: Buffer.from('hello') }), BOB)
    await say()
    for (let message = 0; message < 3; message++) {
      fake.requests.length = 0
      await say()
      assert.equal(fake.requests.length, expected)
    }
  })
}
