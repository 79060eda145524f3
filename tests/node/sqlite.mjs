/** SQLite, as Python has it: Node 20 has none, and what is to be had beside it has to be compiled. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** Answers each line `[SQL, parameters]` with the rows. */
const PROGRAM = `
import json, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
for line in sys.stdin:
    rows = connection.execute(*json.loads(line)).fetchall()
    print(json.dumps([[one.decode() if isinstance(one, bytes) else one for one in row] for row in rows]), flush=True)
`

/** A database that is open. */
export class Database {
  #python
  #answers

  /** Open a file's, with the `python` that is given. */
  constructor (python, path) {
    this.#python = spawn(python, ['-c', PROGRAM, path], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#answers = createInterface({ input: this.#python.stdout })[Symbol.asyncIterator]()
  }

  /** Run one statement; its rows. Those that are run at once are answered in turn. */
  async run (sql, ...parameters) {
    this.#python.stdin.write(`${JSON.stringify([sql, parameters])}\n`)
    const { done, value } = await this.#answers.next()
    if (done) throw new Error('the database has failed')
    return JSON.parse(value)
  }

  /** The first row's only column; undefined where there is no row. */
  async one (sql, ...parameters) {
    const [row] = await this.run(sql, ...parameters)
    return row?.[0]
  }

  async close () {
    const ended = once(this.#python, 'exit')
    this.#python.stdin.end()
    await ended
  }
}
