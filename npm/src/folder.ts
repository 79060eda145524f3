/** Take an account over from a folder of Baileys' `useMultiFileAuthState`. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { WorkerError } from './errors.js'
import { Instance, objectOf } from './instance.js'
import { owner } from './process.js'
import type { Address } from './types.js'
import { Wire } from './wire.js'
import { MOST_LETTERS, bodyOfChanges, type Changes } from './writer.js'

/** How many keys go in one request. */
const KEYS_A_REQUEST = 1_000

/** What came of it. */
export interface Imported {
  /** How many keys are stored now, the credentials not counted. */
  keys: number
  /** Names of files that hold no JSON, as after a crash: their keys are missed, and Baileys does without. */
  broken: string[]
}

/**
 * Store a folder's keys, and its credentials last: an import that broke off can be begun again.
 *
 * Stop the program that uses the folder first, and do not start it again. Rejects if the instance has credentials, if
 * the folder has none, and as `openSession` does.
 */
export async function importFolder (folder: string, to: Address & { group: string, instance: string }): Promise<Imported> {
  const names = (await readdir(folder)).filter(name => name.endsWith('.json'))
  const creds = await readCreds(folder)
  const instance = new Instance(new Wire(to), to.group, to.instance, owner)
  await instance.create()
  try {
    if (await instance.creds() !== undefined) throw new WorkerError('This instance has credentials already.')
    const broken: string[] = []
    let keys = 0
    let letters = 0
    let changes: Changes = new Map()
    const send = async (): Promise<void> => {
      await instance.change(bodyOfChanges(changes))
      keys += changes.size
      letters = 0
      changes = new Map()
    }
    for (const name of names) {
      if (name === 'creds.json') continue
      const text = await readFile(join(folder, name), 'utf8')
      if (!isValue(text)) {
        broken.push(name)
        continue
      }
      if (changes.size === KEYS_A_REQUEST || (changes.size > 0 && letters + text.length > MOST_LETTERS)) await send()
      changes.set(keyOf(name), text)
      letters += text.length
    }
    if (changes.size > 0) await send()
    await instance.change(bodyOfChanges(new Map([['creds', creds]])))
    return { keys, broken }
  } finally {
    await instance.release().catch(() => {})
  }
}

/** The key that a file is of. Baileys writes `/` as `__` and `:` as `-`; only two types have ids with either. */
export function keyOf (name: string): string {
  const key = name.slice(0, -'.json'.length)
  if (key.startsWith('app-state-sync-key-')) return key.replaceAll('__', '/')
  if (key.startsWith('sender-key-') && !key.startsWith('sender-key-memory-')) return key.replaceAll('--', '::')
  return key
}

async function readCreds (folder: string): Promise<string> {
  const text = await readFile(join(folder, 'creds.json'), 'utf8')
  try {
    if ('noiseKey' in objectOf(text)) return text
  } catch {}
  throw new WorkerError('The file creds.json of this folder holds no credentials.')
}

function isValue (text: string): boolean {
  try {
    return JSON.parse(text) !== null
  } catch {
    return false
  }
}
