/**
 * A worker as a program with the npm package uses it, for `load.mjs`: in the shape of `tests/node/client.mjs`.
 *
 * A latency is that of one call of Baileys, which is one request, however many keys it names.
 */
import { openSession } from '../npm/dist/esm/index.js'
import { Worker as Client } from '../tests/node/client.mjs'
import { baileys } from '../tests/node/versions.mjs'

const { initAuthCreds, proto } = baileys

/** One group at one worker. */
export class Worker {
  /** Milliseconds that each call took, in the order in which they ended. */
  latencies = []
  /** How many calls failed, or were tried again. */
  failures = 0
  #client

  constructor (url, token, group) {
    this.address = { url, token, group }
    this.#client = new Client(url, token, group)
  }

  start () { return this.#client.start() }

  /** The names of the group's instances: nothing of the package is asked for by a list of them. */
  instances () { return this.timed(() => this.#client.instances()) }

  drop (instance) { return this.#client.drop(instance) }

  /** Make a call and note how long it took. */
  async timed (call) {
    const begun = performance.now()
    try {
      return await call()
    } catch (error) {
      this.failures++
      throw error
    } finally {
      this.latencies.push(performance.now() - begun)
    }
  }
}

/** One instance's state in the form that Baileys asks for. */
export async function openState (worker, instance) {
  const onError = () => worker.failures++
  const options = { ...worker.address, instance, initAuthCreds, proto, onError }
  const session = await worker.timed(() => openSession(options))
  const keys = {
    get: (type, ids) => worker.timed(() => session.keys.get(type, ids)),
    set: changes => worker.timed(() => session.keys.set(changes))
  }
  return { fresh: session.isNew, creds: session.creds, keys, save: () => worker.timed(session.saveCreds) }
}
