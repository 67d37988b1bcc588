// What the snippets of docs/frontend.md take for granted, and what they have led to, printed as JSON for
// test_frontend_guide.py to judge. It puts them where their line is.
// @ts-expect-error It comes without types.
import transport from "ws"

const { SUPABASE_URL = "", SUPABASE_ANON_KEY = "", API_URL = "" } = process.env
const [email, password] = [process.argv[2] ?? "", process.argv[3] ?? ""]
// Node has a WebSocket of its own from version 22 on.
Object.assign(globalThis, { WebSocket: transport })

// snippets

// Sign-in with GitHub: what a browser does at the fake GitHub's page, done by hand.
const options = { redirectTo: "http://localhost:5173/", skipBrowserRedirect: true }
const begun = await supabase.auth.signInWithOAuth({ provider: "github", options })
const page = await fetch(begun.data.url ?? "")
const login = (await page.text()).match(/name="login" value="([^"]+)"/)?.[1] ?? ""
const form = new URLSearchParams([...new URL(page.url).searchParams, ["login", login]])
const chosen = await fetch(page.url.split("?")[0] ?? "", { method: "POST", body: form, redirect: "manual" })
const returned = await fetch(chosen.headers.get("location") ?? "", { redirect: "manual" })
const code = new URL(returned.headers.get("location") ?? "").searchParams.get("code") ?? ""
const { error: notExchanged } = await supabase.auth.exchangeCodeForSession(code)
if (notExchanged) throw notExchanged

let connection
do {
  await new Promise((turn) => setTimeout(turn, 100))
  connection = (await api.GET("/api/github/connection")).data
} while (!connection)
const { data: imported } = await supabase.from("products").insert({ name: "Imported" }).select("id").single().throwOnError()
const report = await importFirst(imported.id, 2)

console.log(
  JSON.stringify({ products, item, renamed, tooLate, wrongWay, entries, kept: seen, shown, connection, report, login }),
)
process.exit()
