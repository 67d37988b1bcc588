import { createClient, type SupabaseClient } from "@supabase/supabase-js"
import createApiClient, { type Client, type Middleware } from "openapi-fetch"
import { createContext, useContext } from "react"
import type { Database } from "../../supabase/database.types.ts"
import type { Config } from "./config.ts"
import type { components, paths } from "./openapi.types.ts"
import { Problem } from "./problems.ts"

type Tables = Database["public"]["Tables"]
/** A row as `select()` answers it: computed fields come only where they are asked for. */
export type Row<Table extends keyof Tables> = Omit<Tables[Table]["Row"], Tables[Table]["ComputedFields"]>
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name]

/** Reads and simple writes go to Supabase, under row level security; what needs a function goes to the API. */
export type Clients = { config: Config; supabase: SupabaseClient<Database>; api: Client<paths> }

export function createClients(config: Config): Clients {
  const supabase = createClient<Database>(config.supabaseUrl, config.supabaseAnonKey, {
    auth: { flowType: "pkce" },
  })
  const signIn: Middleware = {
    async onRequest({ request }) {
      const { data } = await supabase.auth.getSession()
      if (data.session) request.headers.set("Authorization", `Bearer ${data.session.access_token}`)
      return request
    },
    async onResponse({ response }) {
      if (!response.ok) throw await Problem.read(response)
      return response
    },
  }
  const api = createApiClient<paths>({ baseUrl: config.apiUrl })
  api.use(signIn)
  return { config, supabase, api }
}

const ClientsContext = createContext<Clients | null>(null)

export const ClientsProvider = ClientsContext.Provider

export function useClients(): Clients {
  const clients = useContext(ClientsContext)
  if (clients === null) throw new Error("There is no ClientsProvider around this.")
  return clients
}
