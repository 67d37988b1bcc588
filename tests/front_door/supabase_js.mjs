// One user's visit with the real supabase-js, printed as JSON for test_supabase_js.py to judge.
// SUPABASE_URL and SUPABASE_ANON_KEY come from .local/env, as a frontend would get them.
import { createClient } from "@supabase/supabase-js"
import transport from "ws"

const { SUPABASE_URL, SUPABASE_ANON_KEY, API_URL } = process.env
const PAGE = "http://localhost:5173/"

function client(auth = { persistSession: false }) {
  // Node has a WebSocket of its own from version 22 on.
  const realtime = { transport }
  return createClient(SUPABASE_URL, SUPABASE_ANON_KEY, { auth: { autoRefreshToken: false, ...auth }, realtime })
}

function failure(error) {
  return error && { name: error.name, code: error.code, status: error.status, message: error.message }
}

const email = `${crypto.randomUUID()}@example.com`
const password = "correct horse"
const seen = { email }

const ada = client()
const signedUp = await ada.auth.signUp({ email, password, options: { data: { name: "Ada" } } })
seen.signUp = { error: failure(signedUp.error), user: signedUp.data.user, session: signedUp.data.session }

seen.signUpAgain = failure((await client().auth.signUp({ email, password })).error)
seen.weakPassword = failure((await client().auth.signUp({ email: "b@example.com", password: "1" })).error)
seen.wrongPassword = failure((await client().auth.signInWithPassword({ email, password: "wrong one" })).error)

seen.claims = (await ada.auth.getClaims()).data?.claims
seen.user = (await ada.auth.getUser()).data.user?.email
seen.updated = (await ada.auth.updateUser({ data: { city: "London" } })).data.user?.user_metadata

const inserted = await ada.from("products").insert({ name: "Engine", color: "#123456" }).select().single()
seen.inserted = { error: failure(inserted.error), product: inserted.data }
const changed = await ada.from("products").update({ icon: "gear" }).eq("id", inserted.data?.id).select()
seen.changed = changed.data
seen.listed = (await ada.from("products").select("*", { count: "exact" }).limit(10)).count
seen.badColor = failure((await ada.from("products").insert({ name: "x", color: "blue" })).error)

const made = await fetch(`${API_URL}/api/app-info`, {
  method: "POST",
  headers: {
    Authorization: `Bearer ${(await ada.auth.getSession()).data.session.access_token}`,
    "Content-Type": "application/json",
  },
  body: JSON.stringify({ product_id: inserted.data?.id, key: "TOKEN", value: "s3cr3t", is_secret: true }),
})
const secret = await made.json()
seen.secret = { status: made.status, row: (await ada.from("app_info").select().eq("id", secret.id).single()).data }
const guessed = { entry_id: secret.id, value_number: null, app_info_key: "guessed".repeat(8) }
seen.secretRevealed = failure((await ada.rpc("reveal_app_info", guessed)).error)
seen.secretOverwritten = failure((await ada.from("app_info").update({ value: "x" }).eq("id", secret.id)).error)
seen.secretUnmarked = failure((await ada.from("app_info").update({ is_secret: false }).eq("id", secret.id)).error)

const refreshed = await ada.auth.refreshSession()
seen.refreshed = { error: failure(refreshed.error), session: refreshed.data.session }
seen.listedAfterRefresh = (await ada.from("products").select("name")).data

const bob = client()
await bob.auth.signUp({ email: `${crypto.randomUUID()}@example.com`, password })
seen.strangerSees = (await bob.from("products").select("id")).data
seen.strangerChanges = (await bob.from("products").update({ name: "x" }).eq("id", inserted.data?.id).select()).data
seen.anonymousSees = (await client().from("products").select("id")).error?.code ?? "nothing refused"

const second = client()
const signedIn = await second.auth.signInWithPassword({ email, password })
seen.signIn = { error: failure(signedIn.error), user: signedIn.data.user?.email }
seen.signOut = failure((await second.auth.signOut({ scope: "global" })).error)
seen.refreshAfterSignOut = failure((await ada.auth.refreshSession()).error)

// Sign-in with GitHub: what a browser does at the fake GitHub's page, done by hand.
const grace = client({ flowType: "pkce", storage: inMemory() })
const begun = await grace.auth.signInWithOAuth({
  provider: "github",
  options: { redirectTo: PAGE, scopes: "read:org", skipBrowserRedirect: true },
})
const page = await fetch(begun.data.url)
const login = (await page.text()).match(/name="login" value="([^"]+)"/)[1]
const form = new URLSearchParams([...new URL(page.url).searchParams, ["login", login]])
const chosen = await fetch(page.url.split("?")[0], { method: "POST", body: form, redirect: "manual" })
const returned = await fetch(chosen.headers.get("location"), { redirect: "manual" })
const landed = new URL(returned.headers.get("location"))
seen.landed = landed.origin + landed.pathname
const exchanged = await grace.auth.exchangeCodeForSession(landed.searchParams.get("code"))
seen.github = { error: failure(exchanged.error), session: exchanged.data.session }

async function api(method, path, body) {
  const answer = await fetch(`${API_URL}${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${exchanged.data.session.access_token}`,
      "Content-Type": "application/json",
    },
    body: body && JSON.stringify(body),
  })
  return { status: answer.status, body: await answer.json() }
}

const { provider_token: token, provider_refresh_token: refresh_token } = exchanged.data.session
seen.connected = await api("PUT", "/api/github/connection", { token, refresh_token })
const listed = await api("GET", "/api/github/repos?limit=2")
const product = await api("POST", "/api/products", { name: "Imported" })
seen.imported = await api("POST", "/api/github/import", {
  product_id: product.body.id,
  github_ids: listed.body.items.map((repository) => repository.github_id),
})

seen.recovery = failure((await client().auth.resetPasswordForEmail(email, { redirectTo: PAGE })).error)
seen.code = failure((await client().auth.signInWithOtp({ email })).error)
seen.wrongCode = failure((await client().auth.verifyOtp({ email, token: "000000", type: "email" })).error)

function inMemory() {
  const kept = new Map()
  return {
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => kept.set(name, value),
    removeItem: (name) => kept.delete(name),
  }
}

console.log(JSON.stringify(seen))
