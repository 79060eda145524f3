/** What comes from the caller and goes back to it. Nothing here is imported from Baileys: any fork of it fits. */

/** Baileys' store of keys. `any`, as each Baileys has its own types of keys. */
export interface KeyStore {
  /** What the keys of one type hold; those that hold nothing are left out. One request. */
  get(type: string, ids: string[]): Promise<{ [id: string]: any }>
  /** Store many keys; null deletes. All or none, and on the worker's disk when it resolves. One request. */
  set(data: { [type: string]: { [id: string]: any } | undefined }): Promise<void>
  /** Delete all keys; the credentials stay. */
  clear(): Promise<void>
  /** All keys of one type with their values, page by page. */
  list(type: string): AsyncIterable<readonly [id: string, value: any]>
  /** The ids of all keys of one type, page by page. */
  listIds(type: string): AsyncIterable<string>
}

/** The part of Baileys' `proto` that is needed: keys of app state have to be of its class. */
export interface Proto {
  Message: { AppStateSyncKeyData: { fromObject(object: { [name: string]: any }): any } }
}

type Pem = string | Uint8Array | Array<string | Uint8Array>

/** How the worker is reached. */
export interface Address {
  /** The worker's address: `http://127.0.0.1:5656`, `https://...`; behind a proxy also with a path. */
  url: string
  /** The worker's token. */
  token: string
  /** A Unix socket to connect to, instead of the host and port of `url`. */
  socketPath?: string
  /** For `https`: who is trusted, and the client's own certificate. */
  tls?: { ca?: Pem, cert?: Pem, key?: Pem, servername?: string }
  /** Times other than the usual ones, in ms. */
  limits?: Partial<Limits>
}

/** How long is waited, in ms. */
export interface Limits {
  /** For a connection; 2,000. */
  connect: number
  /** For one request and its answer; 10,000. */
  call: number
  /** For a call with all its repetitions; 30,000. */
  total: number
  /** Between two attempts, growing from the first to the second; 100 and 5,000. */
  backoff: [number, number]
  /** Between two signs of life of the lease's owner; 10,000. */
  renew: number
  /** Between two attempts to store credentials, after all repetitions failed; 5,000. */
  creds: number
}

/** What `openSession` asks for. */
export interface Options<Creds extends object> extends Address {
  /** One installation, for example `bots`. */
  group: string
  /** One WhatsApp account. */
  instance: string
  /** Baileys' own; called for an account that was never paired, and in no other case. */
  initAuthCreds: () => Creds
  /** Baileys' own; without it keys of app state come as plain objects. */
  proto?: Proto
  /** False: an account without credentials is an error, `NotPaired`. For programs that know it has some. */
  mayPair?: boolean
  /** Who asks for the lease: this process, if not given. False: no lease is asked for, anybody may write. */
  owner?: string | false
  /** How many seconds to wait for another owner's lease to end; 0 if not given. */
  patience?: number
  /** Told of what failed behind the caller's back, as a save of credentials that is still tried. */
  onError?: (error: Error) => void
}
