import { useQuery } from "@tanstack/react-query"
import { type Row, useClients } from "../clients.ts"
import { Answer } from "../parts/Answer.tsx"

const SHOWN = 200
const COLUMNS =
  "id, name, full_name, description, url, language, is_private, is_archived, stars_count, pushed_at, sync_state, sync_reason, sync_url"

/** What the re-sync has found out about a repository that is not simply there, in words. */
const STATES: Record<string, string> = {
  archived: "archived",
  moved: "moved",
  inaccessible: "cannot be reached",
  sso_required: "needs single sign-on",
  blocked: "blocked by its organisation",
  forbidden: "refused by GitHub",
  gone: "gone",
}

/** The repositories of a product and how they stand at GitHub. */
export function Repositories({ product }: { product: Row<"products"> }) {
  const { supabase } = useClients()
  const repositories = useQuery({
    queryKey: ["repositories", product.id],
    queryFn: async ({ signal }) => {
      const asked = supabase
        .from("repositories")
        .select(COLUMNS)
        .eq("product_id", product.id)
        .order("name")
        .order("id")
        .limit(SHOWN)
      return (await asked.abortSignal(signal).throwOnError()).data
    },
  })
  return (
    <>
      <div className="page-head"><h2>Repositories</h2></div>
      <Answer of={repositories}>
        {(rows) =>
          rows.length === 0 ? (
            <p className="empty">No repository belongs to this product yet.</p>
          ) : (
            <ul className="list">
              {rows.map((row) => (
                <li key={row.id}>
                  <div>
                    {row.url ? <a href={row.url} target="_blank" rel="noreferrer">{row.full_name ?? row.name}</a> : <strong>{row.full_name ?? row.name}</strong>}
                    {row.description && <small>{row.description}</small>}
                  </div>
                  <span className="facts">
                    {row.sync_state && STATES[row.sync_state] && <span className="tag warn" title={row.sync_reason ?? undefined}>{STATES[row.sync_state]}</span>}
                    {row.is_private && <span className="tag">private</span>}
                    {row.language && <span>{row.language}</span>}
                    {row.stars_count > 0 && <span>★ {row.stars_count}</span>}
                  </span>
                </li>
              ))}
            </ul>
          )
        }
      </Answer>
    </>
  )
}
