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
import mysqlBaileys from 'mysql-baileys'
import pg from 'pg'
import { openState, textOf } from './client.mjs'
import { Database } from './sqlite.mjs'
import { baileys } from './versions.mjs'

const { BufferJSON, initAuthCreds, proto, useMultiFileAuthState } = baileys

/** Open an account's place: `{ creds, keys, save, close }`. `using` has a worker, and the npm package's `openSession`. */
export async function openPlace (place, account, using) {
  const { store, close = () => {}, ...state } = await kinds[place.kind](place, account, using)
  return { close, ...(store ? await stateOver(store) : state) }
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
  async evolution ({ database, schema, hash: inRedis, folder }, account) {
    const client = await postgresql(database, schema)
    const redis = inRedis && new Redis(inRedis.url)
    const keys = inRedis
      ? hash(redis, inRedis, account)
      : files(join(folder, account), key => `${fixedName(key)}.json`)
    const creds = inStrings({
      async read () {
        const { rows: [row] } = await client.query('SELECT creds FROM "Session" WHERE "sessionId" = $1', [account])
        return row?.creds
      },
      write: (_, text) => client.query(
        'INSERT INTO "Session"(id, "sessionId", creds) VALUES($1, $2, $3) ON CONFLICT ("sessionId") DO UPDATE SET creds = $3',
        [`cm${account}`, account, text])
    })
    const of = key => key === 'creds' ? creds : keys
    return {
      store: {
        read: key => of(key).read(key),
        write: (key, text) => of(key).write(key, text),
        remove: key => of(key).remove(key)
      },
      close: () => Promise.all([client.end(), redis?.quit()])
    }
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

/** What all of these programs make of a store of texts, copied from Baileys' own for files. */
async function stateOver (store) {
  const read = async (key, ...parts) => {
    const text = await store.read(key, ...parts)
    return text ? JSON.parse(text, BufferJSON.reviver) : null
  }
  const creds = await read('creds') ?? initAuthCreds()
  const keys = {
    async get (type, ids) {
      const values = {}
      await Promise.all(ids.map(async id => {
        const value = await read(`${type}-${id}`, type, id)
        values[id] = type === 'app-state-sync-key' && value ? proto.Message.AppStateSyncKeyData.fromObject(value) : value
      }))
      return values
    },
    async set (changes) {
      const tasks = Object.entries(changes).flatMap(([type, ofType]) => Object.entries(ofType).map(([id, value]) => {
        const key = `${type}-${id}`
        return value ? store.write(key, textOf(value), type, id) : store.remove(key, type, id)
      }))
      await Promise.all(tasks)
    }
  }
  return { creds, keys, save: () => store.write('creds', textOf(creds)) }
}
