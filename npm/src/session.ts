/** One account: its credentials, its keys, and that nobody else writes them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { withBytes } from './buffers.js'
import { BadAnswer, HeldElsewhere, Lost, NotPaired } from './errors.js'
import { Instance, objectOf } from './instance.js'
import { Keys } from './keys.js'
import { Lease } from './lease.js'
import { owner as ownerOfProcess, placeOf, type Place } from './process.js'
import type { KeyStore, Options } from './types.js'
import { Wire } from './wire.js'
import { Writer } from './writer.js'

/** An account that is open. */
export class Session<Creds extends object> {
  /** The credentials. Baileys changes them in place. */
  readonly creds: Creds
  /** The keys, for Baileys. */
  readonly keys: KeyStore
  /** Whether `creds` are a new identity, which is to be paired. */
  readonly isNew: boolean
  readonly #instance: Instance
  readonly #place: Place
  readonly #writer: Writer
  readonly #lease: Lease | undefined
  readonly #listeners: Array<(reason: Lost) => void> = []
  #lost: Lost | undefined
  #isEnding = false

  /** @internal `openSession` makes sessions. */
  constructor (options: Options<Creds>, instance: Instance, place: Place, wire: Wire, creds: Creds, isNew: boolean) {
    this.creds = creds
    this.isNew = isNew
    this.#instance = instance
    this.#place = place
    const onError = (error: Error): void => tell(options.onError, error)
    const onConflict = (): void => this.#lose(new Lost('held elsewhere'), true)
    this.#writer = new Writer({
      send: body => instance.change(body), creds: () => creds, credsDelay: wire.limits.creds, onError, onConflict
    })
    const hasLease = options.owner !== false
    this.#lease = hasLease ? new Lease(instance, wire.limits.renew, onConflict, onError) : undefined
    this.keys = new Keys(instance, this.#writer, () => this.#lost ? undefined : this.#lease?.misses(), options.proto)
  }

  /**
   * Store the credentials, in one request with the keys that wait. Listen to `creds.update` with it.
   *
   * Resolves after the 204. It never rejects, for nobody listens to that: what goes wrong is told to `onError`, and
   * tried again until it is stored. Only where that makes no sense any more, because the session is over or the
   * instance was dropped, it resolves without.
   */
  saveCreds = (): Promise<void> => this.#writer.saveCreds()

  /** Have a function called, once, when the account is another's: close the socket there. */
  onLost (listener: (reason: Lost) => void): void {
    if (this.#lost !== undefined && !this.#isEnding) tell(listener, this.#lost)
    else this.#listeners.push(listener)
  }

  /** Store what waits, and let go of the account. Rejects if the credentials cannot be stored. */
  async close (): Promise<void> {
    if (this.#lost !== undefined) return
    this.#isEnding = true
    this.#writer.end(new Lost('closed'), false)
    try {
      await this.#writer.settled()
    } finally {
      await this.#letGo()
    }
  }

  /** Delete the account from the worker, after a logout. What waits is not stored any more. Rejects if it is there still. */
  async drop (): Promise<void> {
    if (this.#lost !== undefined && this.#lost.reason !== 'closed') throw this.#lost
    this.#isEnding = true
    this.#writer.end(new Lost('dropped'), true)
    await this.#writer.settled()
    await this.#instance.drop()
    this.#lose(new Lost('dropped'), false) // nothing is left to let go of, and no request may name it again
  }

  /** @internal A newer session of this process takes over, after what waits here is stored. */
  async retire (): Promise<void> {
    const reason = new Lost('replaced')
    this.#writer.end(reason, false)
    await this.#writer.settled()
    this.#lose(reason, true)
  }

  /** The account is another's: nothing more is written, and whoever listens is told. */
  #lose (reason: Lost, tellListeners: boolean): void {
    if (this.#lost !== undefined) return
    this.#lost = reason
    this.#lease?.stop()
    this.#writer.end(reason, true)
    if (this.#place.holder === this) this.#place.holder = undefined
    if (tellListeners) for (const listener of this.#listeners) tell(listener, reason)
  }

  async #letGo (): Promise<void> {
    if (this.#lost !== undefined) return
    this.#lose(new Lost('closed'), false)
    // Unanswered it does no harm: the lease ends by itself.
    if (this.#lease !== undefined) await this.#instance.release().catch(() => {})
  }
}

/**
 * Open an account: create its instance, take its lease, read its credentials.
 *
 * A new identity is made in one case alone: the worker has created or found the instance, and then says in so many
 * words that it has no credentials. Everything else rejects: `HeldElsewhere`, `NotPaired`, `Unavailable` (nothing is
 * known; try again), `Refused`, `BadAnswer`, `TooOld`. A session of this process that has the account already stores
 * what waits, and is over.
 */
export function openSession<Creds extends object> (options: Options<Creds>): Promise<Session<Creds>> {
  const { url, socketPath = '', group, instance } = options
  const place = placeOf(url, socketPath, group, instance)
  const opened = place.turn.then(() => open(options, place))
  place.turn = opened.catch(() => {})
  return opened
}

async function open<Creds extends object> (options: Options<Creds>, place: Place): Promise<Session<Creds>> {
  const { group, initAuthCreds, mayPair = true, owner = ownerOfProcess, patience = 0 } = options
  const wire = new Wire(options)
  const instance = new Instance(wire, group, options.instance, owner === false ? undefined : owner)
  await place.holder?.retire()
  await create(instance, patience)
  const text = await instance.creds()
  if (text === undefined && !mayPair) throw new NotPaired('This instance has no credentials.', 404)
  // An identity that could not be stored afterwards would be paired in vain.
  if (text === undefined) await instance.check()
  const creds = text === undefined ? initAuthCreds() : credsOf<Creds>(text)
  const session = new Session(options, instance, place, wire, creds, text === undefined)
  place.holder = session
  return session
}

/** Create the instance; wait for another owner's lease to end for `patience` seconds. */
async function create (instance: Instance, patience: number): Promise<void> {
  const deadline = performance.now() + patience * 1000
  for (;;) {
    try {
      return await instance.create()
    } catch (error) {
      if (!(error instanceof HeldElsewhere)) throw error
      const left = deadline - performance.now()
      if (left <= 0) throw error
      await sleep(Math.min(left, error.seconds * 1000))
    }
  }
}

/** Credentials that the worker gave. Anything but an identity is an error: another one would overwrite it. */
function credsOf<Creds> (text: string): Creds {
  const creds = withBytes(objectOf(text))
  for (const part of ['noiseKey', 'signedIdentityKey']) {
    if (typeof creds[part] !== 'object' || creds[part] === null) {
      throw new BadAnswer('The credentials that came hold no identity.', 200)
    }
  }
  return creds
}

/** Call a listener, whose own errors are not ours. Without one it is a warning of the process. */
function tell<Told extends Error> (listener: ((told: Told) => void) | undefined, told: Told): void {
  if (listener === undefined) {
    process.emitWarning(told.message, { type: told.name, detail: 'baileys-sessionworker' })
    return
  }
  try {
    listener(told)
  } catch (error) {
    process.emitWarning(error as Error)
  }
}

/** The same in the shape of `useMultiFileAuthState`; the session is there too. */
export async function useSessionWorkerAuthState<Creds extends object> (options: Options<Creds>): Promise<{
  state: { creds: Creds, keys: KeyStore }
  saveCreds: () => Promise<void>
  session: Session<Creds>
}> {
  const session = await openSession(options)
  return { state: { creds: session.creds, keys: session.keys }, saveCreds: session.saveCreds, session }
}
