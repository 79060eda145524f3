/**
 * All writes of one account, one request at a time.
 *
 * What comes while one is under way waits, and goes together in the next one. So changes arrive in the order in which
 * they were made, whatever connections do, and each promise is kept after the 204 of its own request.
 */
import { encode } from './buffers.js'
import { HeldElsewhere, Lost, WorkerError } from './errors.js'

/** Key -> JSON text; null deletes. */
export type Changes = Map<string, string | null>

/** What one request holds at most. A worker takes 5,000 names and, if not told otherwise, 32 MiB; older settings 5. */
export const MOST_NAMES = 5_000
export const MOST_LETTERS = 4 * 1024 * 1024

/** With status 400 or 413 a request is at fault itself: without its bad part it may be taken. */
const AT_FAULT = new Set([400, 413])

/** After these there is no sense in storing credentials again: the instance is gone, or another's. */
const OVER = new Set([404, 409])

/** What is stored or not as one: a set, or a piece of a very large one. */
interface Part {
  changes: Changes
  letters: number
  settle: (error?: Error) => void
}

/** What the stream needs to know of its session. */
export interface Surroundings {
  /** Send `{"changes": {...}}`; resolves after the 204. */
  send: (body: string) => Promise<void>
  /** The credentials as they are now. */
  creds: () => object
  /** Milliseconds until credentials are tried again. */
  credsDelay: number
  /** Told of what nobody waits for. */
  onError: (error: Error) => void
  /** Another owner has the account. */
  onConflict: () => void
}

export class Writer {
  readonly #around: Surroundings
  #queue: Part[] = []
  /** Which part has the newest change of a key that waits or is under way. */
  readonly #newest = new Map<string, Part>()
  #run: Promise<void> | undefined
  #over: Lost | undefined
  #credsWanted = false
  /** Whether they wait for their next attempt, and not for their turn. */
  #credsHeld = false
  #credsWaiters: Array<() => void> = []
  #credsError: Error | undefined
  #credsTimer: NodeJS.Timeout | undefined

  constructor (around: Surroundings) {
    this.#around = around
  }

  /** The text that a key will have, null if it will be deleted; undefined if no change of it waits. */
  waiting (key: string): string | null | undefined {
    return this.#newest.get(key)?.changes.get(key)
  }

  /** Store changes; resolves when all of them are. Rejects if they are not, or if nobody knows. */
  add (changes: Changes): Promise<void> {
    if (this.#over !== undefined) return Promise.reject(this.#over)
    if (changes.size === 0) return Promise.resolve()
    const pieces = cut(changes)
    const [first] = pieces
    if (pieces.length === 1 && first !== undefined) return this.#push(first)
    return Promise.all(pieces.map(piece => this.#push(piece))).then(() => {})
  }

  /** Store the credentials, as they are when they are sent. Never rejects; see `Session.saveCreds`. */
  saveCreds (): Promise<void> {
    if (this.#over !== undefined) {
      this.#around.onError(this.#over)
      return Promise.resolve()
    }
    this.#credsWanted = true
    this.#credsHeld = false
    return new Promise(resolve => {
      this.#credsWaiters.push(resolve)
      this.#start()
    })
  }

  /** Everything that came until now is stored, or was refused. Rejects if the credentials are not stored. */
  async settled (): Promise<void> {
    this.#credsHeld = false
    if (this.#credsWanted) this.#start()
    while (this.#run !== undefined) await this.#run
    if (this.#credsWanted) throw this.#credsError ?? new WorkerError('The credentials are not stored.')
  }

  /** Take nothing more. What waits is still sent, unless `reject` is true: then it fails with the reason. */
  end (reason: Lost, reject: boolean): void {
    this.#over ??= reason
    if (!reject) return
    for (const part of this.#queue.splice(0)) part.settle(reason)
    this.#giveUpCreds()
  }

  #push (piece: { changes: Changes, letters: number }): Promise<void> {
    return new Promise((resolve, reject) => {
      const part: Part = {
        ...piece,
        settle: error => {
          for (const key of part.changes.keys()) if (this.#newest.get(key) === part) this.#newest.delete(key)
          if (error === undefined) resolve()
          else reject(error)
        }
      }
      for (const key of part.changes.keys()) this.#newest.set(key, part)
      this.#queue.push(part)
      this.#start()
    })
  }

  #start (): void {
    this.#run ??= this.#work()
  }

  async #work (): Promise<void> {
    do {
      // Baileys changes its credentials just before it commits the keys: both belong into one request.
      await new Promise(setImmediate)
      const parts = this.#take()
      if (this.#hasCredsTurn()) {
        const creds = this.#credsPart()
        if (creds !== undefined) parts.push(creds)
      }
      if (parts.length > 0) await this.#deliver(parts)
    } while (this.#queue.length > 0 || this.#hasCredsTurn())
    this.#run = undefined // in the same turn: what comes next begins a new run
  }

  #hasCredsTurn (): boolean {
    return this.#credsWanted && !this.#credsHeld
  }

  /** Take from the front what one request has room for. */
  #take (): Part[] {
    let names = 1 // the credentials
    let letters = 0
    let count = 0
    for (const part of this.#queue) {
      names += part.changes.size
      letters += part.letters
      if (count > 0 && (names > MOST_NAMES || letters > MOST_LETTERS)) break
      count++
    }
    return this.#queue.splice(0, count)
  }

  #credsPart (): Part | undefined {
    clearTimeout(this.#credsTimer)
    this.#credsError = undefined
    this.#credsWanted = false
    const waiters = this.#credsWaiters.splice(0)
    const settle = (error?: Error): void => {
      if (error === undefined) {
        for (const resolve of waiters) resolve()
        return
      }
      this.#credsWanted = true
      this.#credsWaiters.unshift(...waiters)
      this.#credsFailed(error)
    }
    try {
      const text = encode(this.#around.creds()) as string
      return { changes: new Map([['creds', text]]), letters: text.length, settle }
    } catch (error) {
      settle(error as Error)
      return undefined
    }
  }

  #credsFailed (error: Error): void {
    this.#credsError = error
    this.#credsHeld = true
    this.#around.onError(error)
    const status = error instanceof WorkerError ? error.status ?? 0 : 0
    if (OVER.has(status) || error instanceof Lost) this.#giveUpCreds()
    // What is at fault itself is tried again when it has changed, at the next save.
    else if (!AT_FAULT.has(status)) this.#credsTimer = setTimeout(() => this.#retryCreds(), this.#around.credsDelay)
  }

  #retryCreds (): void {
    this.#credsHeld = false
    this.#start()
  }

  #giveUpCreds (): void {
    clearTimeout(this.#credsTimer)
    this.#credsWanted = false
    for (const resolve of this.#credsWaiters.splice(0)) resolve()
  }

  /** Send parts in one request. If that is refused for one of them, each is sent by itself. */
  async #deliver (parts: Part[]): Promise<void> {
    let failure: Error | undefined
    try {
      await this.#around.send(bodyOf(parts))
    } catch (error) {
      failure = error as Error
    }
    if (failure instanceof HeldElsewhere) {
      this.#around.onConflict()
      failure = this.#over ?? failure
    } else if (failure instanceof WorkerError && AT_FAULT.has(failure.status ?? 0) && parts.length > 1) {
      for (const part of parts) await this.#deliver([part])
      return
    }
    for (const part of parts) part.settle(failure)
  }
}

/** Cut changes so that each piece has room in a request, in their order. */
function cut (changes: Changes): Array<{ changes: Changes, letters: number }> {
  let piece = { changes: new Map() as Changes, letters: 0 }
  const pieces = [piece]
  for (const [key, text] of changes) {
    const letters = key.length + (text?.length ?? 4) + 4
    const isFull = piece.changes.size === MOST_NAMES - 1 || piece.letters + letters > MOST_LETTERS
    if (isFull && piece.changes.size > 0) pieces.push(piece = { changes: new Map(), letters: 0 })
    piece.changes.set(key, text)
    piece.letters += letters
  }
  return pieces
}

/** The body of one request. A key that several parts change has its last value. */
function bodyOf (parts: Part[]): string {
  const [first] = parts
  const merged: Changes = parts.length === 1 && first !== undefined ? first.changes : new Map()
  if (parts.length > 1) for (const { changes } of parts) for (const [key, text] of changes) merged.set(key, text)
  return bodyOfChanges(merged)
}

/** `{"changes": {...}}` of texts that are JSON already. */
export function bodyOfChanges (changes: Changes): string {
  const fields: string[] = []
  for (const [key, text] of changes) fields.push(`${JSON.stringify(key)}:${text}`)
  return `{"changes":{${fields.join()}}}`
}
