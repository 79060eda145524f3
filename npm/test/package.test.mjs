/** What is published: its files, its types for Baileys, and that both kinds of module find them. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { names } from './names.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const manifest = JSON.parse(readFileSync(`${ROOT}package.json`))

/** Run a program of the package's own tools; its output, whatever its status. */
async function run (program, ...args) {
  const path = `${ROOT}node_modules/.bin/${program}`
  return promisify(execFile)(path, args, { cwd: ROOT }).then(({ stdout }) => ({ status: 0, said: stdout }),
    error => ({ status: error.code, said: `${error.stdout}${error.stderr}` }))
}

test('nothing is needed at run time', () => {
  for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies']) assert.equal(manifest[kind], undefined)
})

test('what is packed is what was built, the examples and the documents', async () => {
  const { stdout } = await promisify(execFile)('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT })
  const [{ files }] = [JSON.parse(stdout)].flat()
  const modules = readdirSync(`${ROOT}src`).map(name => name.replace('.ts', ''))
  const expected = ['LICENSE', 'README.md', 'README.pt-BR.md', 'package.json', 'dist/cjs/package.json',
    ...readdirSync(`${ROOT}examples`).map(name => `examples/${name}`),
    ...modules.flatMap(name => [`dist/esm/${name}.js`, `dist/esm/${name}.d.ts`]),
    ...modules.filter(name => name !== 'cli').flatMap(name => [`dist/cjs/${name}.js`, `dist/cjs/${name}.d.ts`])]
  assert.deepEqual(files.map(({ path }) => path).sort(), expected.sort())
})

test('publint finds nothing', async () => {
  const { status, said } = await run('publint', '--strict', '--pack', 'false')
  assert.equal(status, 0, said)
})

test('types are right for each kind of module', async () => {
  const { status, said } = await run('attw', '--pack', '.')
  assert.equal(status, 0, said)
})

for (const name of names) {
  for (const kind of ['esm', 'cjs']) {
    test(`a state of ours is one of ${name}, in a program that is ${kind}`, async () => {
      const { status, said } = await run('tsc', '-p', `test/types/tsconfig.${name}.${kind}.json`)
      assert.equal(status, 0, said)
    })
  }
}

test('a program that gives too little is refused by the types', async () => {
  const { status, said } = await run('tsc', '-p', 'test/types/tsconfig.wrong.json')
  assert.notEqual(status, 0)
  assert.deepEqual([...said.matchAll(/wrong\.mts\((\d+),\d+\): error/g)].map(([, line]) => +line), [4, 6, 8], said)
})

test('no file is too long to read at once', () => {
  for (const folder of ['src', 'test', 'examples']) {
    for (const name of readdirSync(`${ROOT}${folder}`).filter(name => /\.[a-z]*[jt]s$/.test(name))) {
      assert.ok(readFileSync(`${ROOT}${folder}/${name}`, 'utf8').split('\n').length <= 300, name)
    }
  }
})
