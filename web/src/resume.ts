import { useQuery } from "@tanstack/react-query"
import { type Clients, useClients } from "./clients.ts"
import { formatDay } from "./parts/times.ts"

const PRODUCTS = 100
const SHOWN = 3
const ENDS_SOON_DAYS = 14
// Of a repository, what its owner has to do something about.
const TROUBLE = ["inaccessible", "sso_required", "blocked", "forbidden", "gone"]
const ITEM = "id, title, priority"
const COLUMNS = `id, name, icon, color, description,
  in_progress:work_items!work_items_product_fkey(${ITEM}, updated_at),
  next:work_items!work_items_product_fkey(${ITEM}),
  pinned:documents!documents_product_fkey(id, title),
  trouble:repositories!repositories_product_fkey(id, name, full_name, sync_state, missing_decision)` as const

/** What is going on in each product: a request for all of them, under row level security. */
export function useResume() {
  const { supabase } = useClients()
  return useQuery({
    // Whatever is done to work is seen here.
    queryKey: ["work", "resume"],
    queryFn: async ({ signal }) => {
      const asked = supabase
        .from("products")
        .select(COLUMNS)
        .eq("in_progress.status", "in_progress")
        .order("updated_at", { ascending: false, referencedTable: "in_progress" })
        .limit(SHOWN, { referencedTable: "in_progress" })
        .eq("next.status", "todo")
        .order("urgency", { referencedTable: "next" })
        .order("created_at", { referencedTable: "next" })
        .order("id", { referencedTable: "next" })
        .limit(SHOWN, { referencedTable: "next" })
        .eq("pinned.is_pinned", true)
        .order("updated_at", { ascending: false, referencedTable: "pinned" })
        .limit(SHOWN, { referencedTable: "pinned" })
        .in("trouble.sync_state", TROUBLE)
        .is("trouble.missing_decision", null)
        .order("name", { referencedTable: "trouble" })
        .limit(SHOWN, { referencedTable: "trouble" })
        .order("created_at", { ascending: false })
        .order("id", { ascending: false })
        .limit(PRODUCTS)
      const { data } = await asked.abortSignal(signal).throwOnError()
      return data.toSorted((one, other) => newest(other).localeCompare(newest(one)))
    },
  })
}

export type Resumed = NonNullable<ReturnType<typeof useResume>["data"]>[number]

/** When something that is in progress has last moved: what nobody works on comes after. */
const newest = (product: { in_progress: { updated_at: string }[] }): string => product.in_progress[0]?.updated_at ?? ""

export type Warning = { id: string; text: string; path: string }

/** What is wrong with the account as a whole: GitHub, and tokens that are about to end. */
export function useWarnings() {
  const { supabase } = useClients()
  return useQuery({
    queryKey: ["runs", "warnings"],
    queryFn: async (): Promise<Warning[]> => (await Promise.all([findFailedRun(supabase), findEndingTokens(supabase)])).flat(),
  })
}

async function findFailedRun(supabase: Clients["supabase"]): Promise<Warning[]> {
  const { data: run } = await supabase
    .from("github_runs")
    .select("id, state, error")
    .neq("trigger", "import")
    .not("ended_at", "is", null)
    .order("created_at", { ascending: false })
    .order("id", { ascending: false })
    .limit(1)
    .maybeSingle()
    .throwOnError()
  if (run?.state !== "failed") return []
  const needsToken = run.error === "needs_reauth"
  const text = needsToken ? "GitHub refuses Forum's token: sign in with GitHub again." : "The last re-sync with GitHub has failed."
  return [{ id: run.id, text, path: "/products" }]
}

async function findEndingTokens(supabase: Clients["supabase"]): Promise<Warning[]> {
  const now = new Date()
  const soon = new Date(now)
  soon.setDate(soon.getDate() + ENDS_SOON_DAYS)
  const { data: tokens } = await supabase
    .from("access_tokens")
    .select("id, name, expires_at")
    .is("revoked_at", null)
    .gt("expires_at", now.toISOString())
    .lt("expires_at", soon.toISOString())
    .order("expires_at")
    .limit(SHOWN)
    .throwOnError()
  return tokens.map(({ id, name, expires_at }) => ({
    id,
    text: `The access token ${name} ends on ${formatDay(expires_at)}.`,
    path: "/tokens",
  }))
}
