// What a script adds to pages that work without one: times of this place, numbers that stay new, questions in a dialog.

const language = document.documentElement.lang
const shortTime = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })
const exactTime = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' })
const seconds = new Intl.NumberFormat(language, { style: 'unit', unit: 'second', unitDisplay: 'long' })

function showTimes(root) {
  for (const one of root.querySelectorAll('time[datetime]')) {
    one.title = one.textContent
    one.textContent = shortTime.format(new Date(one.dateTime))
  }
}

// Refreshing: the same address is asked for again, and what is marked as live takes the place of what was there.

const EVERY = 5_000
const MOST = 60_000
const PATIENCE = 10_000
const OLD = 15_000
let wait = EVERY
let answeredAt = new Date()

function isInUse(element) {
  return element.contains(document.activeElement) && document.activeElement !== document.body
}

function replaceLive(fresh) {
  showTimes(fresh)
  for (const old of document.querySelectorAll('[data-live]')) {
    const found = fresh.getElementById(old.id)
    if (!found || isInUse(old) || found.innerHTML === old.dataset.was) continue
    const open = [...old.querySelectorAll('details[open]')].map(one => [...old.querySelectorAll('details')].indexOf(one))
    found.dataset.was = found.innerHTML
    old.replaceWith(document.adoptNode(found))
    open.forEach(at => found.querySelectorAll('details')[at]?.setAttribute('open', ''))
  }
}

async function ask(url, asking = new AbortController()) {
  const late = setTimeout(() => asking.abort(new Error('no answer')), PATIENCE)
  try {
    const answer = await fetch(url, { signal: asking.signal, headers: { 'X-Refresh': '1' } })
    if (answer.status === 401) location.reload() // the session is over
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
    if (!page.getElementById('gone')) throw new Error('not the worker') // a proxy answers in its place
    return page
  } finally {
    clearTimeout(late)
  }
}

const gone = document.getElementById('gone')

function setGone(isGone) {
  gone.hidden = !isGone
  if (isGone) gone.textContent = gone.dataset.text.replace('{when}', exactTime.format(answeredAt))
  for (const button of document.querySelectorAll('button')) button.disabled = isGone
}

function setBusy(isBusy) {
  for (const live of document.querySelectorAll('[data-live]')) live.setAttribute('aria-busy', String(isBusy))
}

function showAge() {
  const passed = new Date() - answeredAt
  for (const one of document.querySelectorAll('[data-asof]')) {
    const age = Number(one.dataset.asof) * 1000 + passed
    one.classList.toggle('old', age > OLD)
    if (age >= 1000) one.textContent = one.dataset.text.replace('{age}', seconds.format(Math.floor(age / 1000)))
  }
}

async function refresh() {
  const asked = location.href
  setBusy(true)
  try {
    const fresh = await ask(asked)
    if (location.href !== asked) return // somebody searches, and sees what is newer
    replaceLive(fresh)
    answeredAt = new Date()
    wait = EVERY
    setGone(false)
  } catch {
    wait = Math.min(wait * 2, MOST)
    setGone(true)
  } finally {
    setBusy(false)
  }
}

async function keepFresh() {
  for (;;) {
    await new Promise(resolve => setTimeout(resolve, wait))
    if (!document.hidden && !document.querySelector('dialog[open]')) await refresh()
  }
}

// Searching while somebody types.

const filter = document.querySelector('form[data-search]')
let searching = null

async function search() {
  searching?.abort()
  const mine = searching = new AbortController()
  const asked = new FormData(filter)
  for (const [name, value] of [...asked]) if (!value || (name === 'sort' && value === 'state')) asked.delete(name)
  const query = new URLSearchParams(asked).toString()
  const url = location.pathname + (query && `?${query}`)
  try {
    const fresh = await ask(url, mine)
    history.replaceState(null, '', url)
    replaceLive(fresh)
    answeredAt = new Date()
  } catch {
    if (mine === searching) setGone(true) // or else somebody types on
  }
}

let typing = 0
filter?.addEventListener('input', () => {
  clearTimeout(typing)
  typing = setTimeout(search, 200)
})

// Questions: the page that asks is shown in a dialog over the one that led to it.

document.addEventListener('click', async event => {
  const link = event.target.closest('a[data-dialog]')
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return
  event.preventDefault()
  let asked
  try {
    asked = await ask(link.href)
  } catch {
    return setGone(true)
  }
  const question = asked.getElementById('confirm')
  if (!question) return location.assign(link.href) // there is nothing to ask: that page says why
  showTimes(asked)
  const dialog = document.createElement('dialog')
  question.querySelector('form').action = link.href
  dialog.setAttribute('aria-labelledby', 'confirm-title')
  dialog.append(document.adoptNode(question))
  document.body.append(dialog)
  dialog.addEventListener('close', () => {
    dialog.remove()
    link.focus()
  })
  dialog.querySelector('.buttons a').addEventListener('click', close => {
    close.preventDefault()
    dialog.close()
  })
  dialog.showModal()
})

// Copying, where a browser lets a page do that: over TLS, and from this machine.

function offerCopies() {
  for (const one of document.querySelectorAll('pre[data-copy]')) {
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'copy'
    button.textContent = one.dataset.copy
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(one.textContent)
      button.textContent = one.dataset.copied
    })
    one.after(button)
  }
}

// Keys: "/" goes to the search, Escape empties it.

document.addEventListener('keydown', event => {
  const field = document.getElementById('q') ?? document.getElementById('search')
  const isTyping = /^(input|select|textarea)$/i.test(document.activeElement?.tagName ?? '')
  if (event.key === '/' && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey && field) {
    event.preventDefault()
    field.focus()
  } else if (event.key === 'Escape' && document.activeElement === field && field.value) {
    field.value = ''
    field.dispatchEvent(new Event('input', { bubbles: true }))
  }
})

showTimes(document)
for (const live of document.querySelectorAll('[data-live]')) live.dataset.was = live.innerHTML
if (navigator.clipboard) offerCopies()
if (document.querySelector('[data-live]')) {
  keepFresh()
  setInterval(showAge, 1_000)
}
