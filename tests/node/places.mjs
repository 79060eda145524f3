/**
 * Where programs keep an account of Baileys: each place is opened as an auth state of Baileys.
 *
 * What a program's own code is to be had for opens its place: Baileys' useMultiFileAuthState, and mysql-baileys. The
 * others are written here as those programs write them, in the same files, rows and fields; their code differs in nothing
 * else that is stored. A `*` in a place's names stands for the account's.
 */
import { readFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import mysqlBaileys from 'mysql-baileys'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { openState, textOf } from './client.mjs'
import { Database } from './sqlite.mjs'
import { baileys } from './versions.mjs'

const { BufferJSON, initAuthCreds, proto, useMultiFileAuthState } = baileys

/** Open an account's place: `{ creds, keys, save, close }`. `using` has a worker, and the npm package's `openSession`. */
export async function openPlace (place, account, using) {
  const { store, isPlain, close = () => {}, ...state } = await kinds[place.kind](place, account, using)
  return { close, ...(store ? await stateOver(store, isPlain) : state) }
}

const kinds = {
  /** A worker, as the APIs use it. */
  async worker (_, account, { worker }) {
    return openState(worker, account)
  },

  /** A worker, through the npm package. */
  async package ({ token }, account, { worker: { url, group }, openSession }) {
    const errors = []
    const onError = error => errors.push(error)
    const session = await openSession({ url, token, group, instance: account, initAuthCreds, proto, onError })
    const close = async () => {
      await session.close()
      if (errors.length) throw errors[0]
    }
    return { creds: session.creds, keys: session.keys, save: session.saveCreds, close }
  },

  /** Baileys' own code, with which whatsapp-api, Evolution 1, WAHA, openclaw and most bots keep their accounts. */
  async folder ({ folder }, account) {
    const { state, saveCreds } = await useMultiFileAuthState(join(folder, account))
    return { ...state, save: saveCreds }
  },

  /** mysql-baileys' own code. */
  async 'mysql-baileys' (place, account) {
    const { state, saveCreds } = await mysqlBaileys.useMySQLAuthState({ ...place.connection, session: account })
    return { ...state, save: saveCreds }
  },

  /** session-manager's files, and unoapi's: names are the keys as they are. */
  files ({ folder, ending }, account) {
    return { store: files(join(folder, account), key => `${key}${ending}`) }
  },

  /** session-manager on SQLite: each write adds a row, and what is read is the oldest one. */
  'session-manager-sqlite' ({ folder, python }, account) {
    const database = new Database(python, join(folder, `${account}.db`))
    database.run('CREATE TABLE IF NOT EXISTS `creds` (`id` integer PRIMARY KEY AUTOINCREMENT,`name` text,`content` json NOT NULL)')
    return {
      store: inStrings({
        read: key => database.one('SELECT content FROM creds WHERE name = ? ORDER BY id LIMIT 1', key),
        write: (key, text) => database.run('INSERT INTO creds(name, content) VALUES(?, CAST(? AS BLOB))', key, text),
        remove: key => database.run('DELETE FROM creds WHERE name = ?', key)
      }),
      close: () => database.close()
    }
  },

  /** useSqliteAuthState of Baileys' branch develop. */
  'baileys-sqlite' ({ folder, python }, account) {
    const database = new Database(python, join(folder, `${account}.db`))
    for (const sql of DEVELOP) database.run(sql)
    const put = 'ON CONFLICT DO UPDATE SET value = excluded.value'
    return {
      store: {
        read: (key, type, id) => type
          ? database.one('SELECT value FROM signal_keys WHERE type = ? AND id = ?', type, id)
          : database.one("SELECT value FROM creds WHERE key = '__creds__'"),
        write: (key, text, type, id) => type
          ? database.run(`INSERT INTO signal_keys(type, id, value) VALUES(?, ?, ?) ${put}`, type, id, text)
          : database.run(`INSERT INTO creds(key, value) VALUES('__creds__', ?) ${put}`, text),
        remove: (key, type, id) => database.run('DELETE FROM signal_keys WHERE type = ? AND id = ?', type, id)
      },
      close: () => database.close()
    }
  },

  /** A hash with a field for each key: Evolution 1, whatsapp-api up to 1.3.1, baileys-redis-auth, fazer-ai. */
  async 'redis-hash' (place, account) {
    const redis = new Redis(place.url)
    // What fazer-ai's knows of a connection is in the same hash, and written when that is opened.
    if (place.beside) await redis.hset(place.key.replace('*', account), place.beside)
    return { store: hash(redis, place, account), close: () => redis.quit() }
  },

  /** A string for each key: unoapi, baileys-redis-auth's older way. */
  'redis-strings' ({ url, before, fixed }, account) {
    const redis = new Redis(url)
    const name = key => `${before.replace('*', account)}${fixed ? fixedName(key) : key}`
    return {
      store: {
        read: key => redis.get(name(key)),
        write: (key, text) => redis.set(name(key), text),
        remove: key => redis.del(name(key))
      },
      close: () => redis.quit()
    }
  },

  /** Evolution 2: creds in a table, in a string; keys in a hash, in strings of strings, or in files. */
  async evolution ({ hash: inRedis, folder, ...database }, account) {
    const row = await evolutionRow(database, account)
    const redis = inRedis && new Redis(inRedis.url)
    const keys = inRedis ? hash(redis, inRedis, account) : fixedFiles(folder, account)
    return {
      store: apart(inStrings(row), keys),
      close: () => Promise.all([row.close(), redis?.quit()])
    }
  },

  /** A collection for each account, a document for each key: whatsapp-api 1.2, and Evolution 1; since 1.8.2 for creds alone. */
  async mongo ({ url, database, wrapsArrays, folder }, account) {
    const client = new MongoClient(url)
    await client.connect()
    const all = documents(client.db(database).collection(account), wrapsArrays)
    return { store: folder ? apart(all, fixedFiles(folder, account)) : all, close: () => client.close() }
  },

  /** ticketz: creds in an envelope, in the row of their connection; keys in rows, without Baileys' form for buffers. */
  async ticketz ({ database, schema }, account) {
    const client = await postgresql(database, schema)
    const { rows: [{ id: connection }] } = await client.query('SELECT id FROM "Whatsapps" WHERE name = $1', [account])
    const creds = {
      async read () {
        const { rows: [{ session }] } = await client.query('SELECT session FROM "Whatsapps" WHERE id = $1', [connection])
        return session && JSON.stringify(JSON.parse(session).creds)
      },
      write: (_, text) => client.query(
        'UPDATE "Whatsapps" SET session = $2 WHERE id = $1', [connection, `{"creds":${text},"keys":{}}`])
    }
    const where = '"whatsappId" = $1 AND type = $2 AND key = $3'
    const keys = {
      async read (_, type, id) {
        const { rows: [row] } = await client.query(`SELECT value FROM "BaileysKeys" WHERE ${where}`, [connection, type, id])
        return row?.value
      },
      write: (_, text, type, id) => client.query(
        `INSERT INTO "BaileysKeys"("whatsappId", type, key, value) VALUES($1, $2, $3, $4)
        ON CONFLICT ("whatsappId", type, key) DO UPDATE SET value = $4`,
        [connection, type, id, text]),
      remove: (_, type, id) => client.query(`DELETE FROM "BaileysKeys" WHERE ${where}`, [connection, type, id])
    }
    return { store: apart(creds, keys), isPlain: true, close: () => client.end() }
  },

  /** A row for each key, named like Baileys' files: @ookamiiixd/baileys-store. */
  async 'baileys-store' ({ database, schema }, account) {
    const client = await postgresql(database, schema)
    const where = '"sessionId" = $1 AND id = $2'
    return {
      store: {
        async read (key) {
          const { rows: [row] } = await client.query(`SELECT data FROM "Session" WHERE ${where}`, [account, fixedName(key)])
          return row?.data
        },
        write: (key, text) => client.query(
          'INSERT INTO "Session"("sessionId", id, data) VALUES($1, $2, $3) ON CONFLICT ("sessionId", id) DO UPDATE SET data = $3',
          [account, fixedName(key), text]),
        remove: key => client.query(`DELETE FROM "Session" WHERE ${where}`, [account, fixedName(key)])
      },
      close: () => client.end()
    }
  }
}

const DEVELOP = [
  'PRAGMA journal_mode = WAL',
  'PRAGMA synchronous = NORMAL',
  'CREATE TABLE IF NOT EXISTS creds (key TEXT PRIMARY KEY, value TEXT NOT NULL)',
  'CREATE TABLE IF NOT EXISTS signal_keys (type TEXT NOT NULL, id TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (type, id))',
  'CREATE INDEX IF NOT EXISTS signal_keys_type_idx ON signal_keys(type)'
]

/** Baileys' fixFileName. */
const fixedName = key => key.replaceAll('/', '__').replaceAll(':', '-')

/** A file for each key, without whatever a writer of files may do about a crash. */
function files (folder, nameOf) {
  const path = key => join(folder, nameOf(key))
  const made = mkdir(folder, { recursive: true })
  return {
    read: key => readFile(path(key), 'utf8').catch(error => {
      if (error.code !== 'ENOENT') throw error
    }),
    async write (key, text) {
      await made
      await writeFile(path(key), text)
    },
    remove: key => rm(path(key), { force: true })
  }
}

/** Files for each key, called as Baileys calls its own. */
const fixedFiles = (folder, account) => files(join(folder, account), key => `${fixedName(key)}.json`)

/** Creds in one store, and keys in another. */
function apart (creds, keys) {
  const of = key => key === 'creds' ? creds : keys
  return {
    read: (key, ...parts) => of(key).read(key, ...parts),
    write: (key, text, ...parts) => of(key).write(key, text, ...parts),
    remove: (key, ...parts) => of(key).remove(key, ...parts)
  }
}

/** A collection's documents. A text is none, which MongoDB refuses; so is an array, unless it is wrapped. Nobody is told. */
function documents (collection, wrapsArrays) {
  return {
    async read (key) {
      const found = await collection.findOne({ _id: key })
      return found && JSON.stringify(found.content_array ?? found)
    },
    async write (key, text) {
      const value = JSON.parse(text)
      const document = wrapsArrays && Array.isArray(value) ? { _id: key, content_array: value } : value
      if (typeof document === 'string' || Array.isArray(document)) return
      await collection.replaceOne({ _id: key }, document, { upsert: true })
    },
    remove: key => collection.deleteOne({ _id: key })
  }
}

/** The row that holds an Evolution 2's creds. */
async function evolutionRow ({ connection, database, schema }, account) {
  if (connection) {
    const client = await mysql.createConnection(connection)
    return {
      async read () {
        const [[row]] = await client.execute('SELECT creds FROM `Session` WHERE `sessionId` = ?', [account])
        return row?.creds
      },
      write: (_, text) => client.execute(
        'INSERT INTO `Session`(`id`, `sessionId`, `creds`) VALUES(?, ?, ?) ON DUPLICATE KEY UPDATE `creds` = VALUES(`creds`)',
        [`cm${account}`, account, text]),
      close: () => client.end()
    }
  }
  const client = await postgresql(database, schema)
  return {
    async read () {
      const { rows: [row] } = await client.query('SELECT creds FROM "Session" WHERE "sessionId" = $1', [account])
      return row?.creds
    },
    write: (_, text) => client.query(
      'INSERT INTO "Session"(id, "sessionId", creds) VALUES($1, $2, $3) ON CONFLICT ("sessionId") DO UPDATE SET creds = $3',
      [`cm${account}`, account, text]),
    close: () => client.end()
  }
}

function hash (redis, { key: named, fixed, strings }, account) {
  const whole = named.replace('*', account)
  const field = key => fixed ? fixedName(key) : key
  const texts = {
    read: key => redis.hget(whole, field(key)),
    write: (key, text) => redis.hset(whole, field(key), text),
    remove: key => redis.hdel(whole, field(key))
  }
  return strings ? inStrings(texts) : texts
}

/** The same with each JSON text inside of a JSON string. */
function inStrings (store) {
  return {
    ...store,
    async read (key) {
      const text = await store.read(key)
      return text && JSON.parse(text)
    },
    write: (key, text) => store.write(key, JSON.stringify(text))
  }
}

/** Prisma's URLs name a schema; this library's do not. */
async function postgresql (url, schema) {
  const client = new pg.Client(url)
  await client.connect()
  await client.query(`SET search_path TO ${pg.escapeIdentifier(schema)}`)
  return client
}

/** What all of these programs make of a store of texts, copied from Baileys' own for files. `isPlain` is JSON alone for keys. */
async function stateOver (store, isPlain) {
  const reviver = isPlain ? undefined : BufferJSON.reviver
  const text = isPlain ? JSON.stringify : textOf
  const read = async (reviver, key, ...parts) => {
    const text = await store.read(key, ...parts)
    return text ? JSON.parse(text, reviver) : null
  }
  const creds = await read(BufferJSON.reviver, 'creds') ?? initAuthCreds()
  const keys = {
    async get (type, ids) {
      const values = {}
      await Promise.all(ids.map(async id => {
        const value = await read(reviver, `${type}-${id}`, type, id)
        values[id] = type === 'app-state-sync-key' && value ? proto.Message.AppStateSyncKeyData.fromObject(value) : value
      }))
      return values
    },
    async set (changes) {
      const tasks = Object.entries(changes).flatMap(([type, ofType]) => Object.entries(ofType).map(([id, value]) => {
        const key = `${type}-${id}`
        return value ? store.write(key, text(value), type, id) : store.remove(key, type, id)
      }))
      await Promise.all(tasks)
    }
  }
  return { creds, keys, save: () => store.write('creds', textOf(creds)) }
}
