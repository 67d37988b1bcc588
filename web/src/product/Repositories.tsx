import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query"
import { useState } from "react"
import { type Row, useClients } from "../clients.ts"
import { Answer } from "../parts/Answer.tsx"
import { useSay } from "../parts/notices.tsx"
import { explain } from "../problems.ts"
import { ImportRepositories } from "./ImportRepositories.tsx"

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
  const { supabase, api } = useClients()
  const queries = useQueryClient()
  const say = useSay()
  const [isImporting, setImporting] = useState(false)
  const sync = useMutation({
    mutationFn: () => api.POST("/api/github/sync"),
    onSuccess: () => say("GitHub is being read again. What has changed appears here."),
    onError: (error) => say(explain(error), true),
    onSettled: () => queries.invalidateQueries({ queryKey: ["repositories"] }),
  })
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
      <div className="page-head">
        <h2>Repositories</h2>
        <button type="button" onClick={() => sync.mutate()} disabled={sync.isPending}>Sync now</button>
        <button type="button" className="primary" onClick={() => setImporting(true)}>Import from GitHub</button>
      </div>
      <Answer of={repositories}>
        {(rows) =>
          rows.length === 0 ? (
            <p className="empty">Import repositories from GitHub, and Forum keeps them up to date: renamed, moved, archived, gone.</p>
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
      {isImporting && <ImportRepositories product={product} onClose={() => setImporting(false)} />}
    </>
  )
}
