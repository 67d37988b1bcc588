import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query"
import { StrictMode } from "react"
import { createRoot } from "react-dom/client"
import { App } from "./App.tsx"
import { ClientsProvider, createClients } from "./clients.ts"
import { loadConfig } from "./config.ts"
import { NoticesProvider } from "./parts/notices.tsx"
import { isUnauthorised, isUnreachable } from "./problems.ts"
import "./styles.css"

const FRESH_MILLISECONDS = 5000
const RETRIES = 2

async function start(element: HTMLElement): Promise<void> {
  const clients = createClients(await loadConfig())

  async function renewOrLeave(error: unknown): Promise<void> {
    if (!isUnauthorised(error)) return
    const { error: refused } = await clients.supabase.auth.refreshSession()
    // Where nobody answered, the session may well be alive.
    if (refused && !isUnreachable(refused)) await clients.supabase.auth.signOut({ scope: "local" })
    else await queries.invalidateQueries()
  }

  const queries = new QueryClient({
    queryCache: new QueryCache({ onError: (error) => void renewOrLeave(error) }),
    mutationCache: new MutationCache({ onError: (error) => void renewOrLeave(error) }),
    defaultOptions: {
      // What was refused once is refused again; what got no answer may get one.
      queries: { staleTime: FRESH_MILLISECONDS, retry: (count, error) => isUnreachable(error) && count < RETRIES },
      // One that waits for a connection would surprise its author later.
      mutations: { networkMode: "always" },
    },
  })

  createRoot(element).render(
    <StrictMode>
      <ClientsProvider value={clients}>
        <QueryClientProvider client={queries}>
          <NoticesProvider>
            <App />
          </NoticesProvider>
        </QueryClientProvider>
      </ClientsProvider>
    </StrictMode>,
  )
}

const root = document.getElementById("root")
if (root === null) throw new Error("index.html has no #root.")
start(root).catch((error: unknown) => {
  root.textContent = `Forum's page cannot start. ${String(error)}`
})
