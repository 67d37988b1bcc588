import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query"
import { useState } from "react"
import { type Row, useClients } from "../clients.ts"
import { Answer } from "../parts/Answer.tsx"
import { MoreRows } from "../parts/MoreRows.tsx"
import { useSay } from "../parts/notices.tsx"
import { explain } from "../problems.ts"
import { ImportRepositories } from "./ImportRepositories.tsx"
import { awaitsDecision, useDecide, useFlagged } from "./missing.ts"
import { Runs } from "./Runs.tsx"

const PAGE = 200
const COLUMNS =
  "id, github_id, name, full_name, description, url, language, is_private, is_archived, stars_count, pushed_at, sync_state, sync_reason, sync_url, missing_decision"

type Repository = Pick<
  Row<"repositories">,
  | "id" | "github_id" | "name" | "full_name" | "description" | "url" | "language" | "is_private" | "is_archived"
  | "stars_count" | "pushed_at" | "sync_state" | "sync_reason" | "sync_url" | "missing_decision"
>

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
  const [limit, setLimit] = useState(PAGE)
  const [isImporting, setImporting] = useState(false)
  const sync = useMutation({
    mutationFn: () => api.POST("/api/github/sync"),
    onError: (error) => say(explain(error), true),
    onSettled: () => queries.invalidateQueries({ queryKey: ["runs"] }),
  })
  const repositories = useQuery({
    queryKey: ["repositories", product.id, limit],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }): Promise<Repository[]> => {
      const asked = supabase
        .from("repositories")
        .select(COLUMNS)
        .eq("product_id", product.id)
        .order("name")
        .order("id")
        .limit(limit)
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
            <RepositoryList rows={rows} />
          )
        }
      </Answer>
      <MoreRows shown={repositories.data?.length ?? 0} limit={limit} onMore={setLimit} />
      <Runs product={product} />
      {isImporting && <ImportRepositories product={product} onClose={() => setImporting(false)} />}
    </>
  )
}

function RepositoryList({ rows }: { rows: Repository[] }) {
  const flagged = useFlagged().data ?? []
  const decide = useDecide()
  const undecided = rows.flatMap((row) => (row.github_id !== null && awaitsDecision(row, flagged) ? [row.github_id] : []))
  return (
    <>
      {undecided.length > 0 && (
        <div className="notice with-actions" role="status">
          <p>
            GitHub does not show {undecided.length === 1 ? "one of these repositories" : `${undecided.length} of these repositories`}{" "}
            any more: deleted, or closed to your token. Nothing is removed here. Say what becomes of {undecided.length === 1 ? "it" : "them"}:
            what is kept is looked for with each re-sync, what is gone is not.
          </p>
          <div className="actions">
            <button type="button" disabled={decide.isPending} onClick={() => decide.mutate({ decision: "keep", github_ids: undecided })}>Keep {undecided.length > 1 && "all"}</button>
            <button type="button" disabled={decide.isPending} onClick={() => decide.mutate({ decision: "gone", github_ids: undecided })}>{undecided.length > 1 ? "All are gone" : "It is gone"}</button>
          </div>
        </div>
      )}
      <ul className="list">
        {rows.map((row) => (
          <li key={row.id} className="repository">
            <div>
              {row.url ? <a href={row.url} target="_blank" rel="noreferrer">{row.full_name ?? row.name}</a> : <strong>{row.full_name ?? row.name}</strong>}
              {row.description && <small>{row.description}</small>}
              {row.sync_reason && row.sync_state && STATES[row.sync_state] && <small>{row.sync_reason}</small>}
            </div>
            <span className="facts">
              <State row={row} flagged={flagged} />
              {row.is_private && <span className="tag">private</span>}
              {row.language && <span>{row.language}</span>}
              {row.stars_count > 0 && <span>★ {row.stars_count.toLocaleString()}</span>}
              {undecided.length > 1 && row.github_id !== null && undecided.includes(row.github_id) && (
                <Choice name={row.full_name ?? row.name} isPending={decide.isPending} onChoose={(decision) => decide.mutate({ decision, github_ids: [row.github_id as number] })} />
              )}
            </span>
          </li>
        ))}
      </ul>
    </>
  )
}

function State({ row, flagged }: { row: Repository; flagged: number[] }) {
  const isDisbelieved = row.sync_state === "active" && awaitsDecision(row, flagged)
  const state = isDisbelieved ? "not found" : STATES[row.sync_state ?? ""]
  if (!state) return null
  return (
    <span className="tag warn">
      {row.sync_url ? <a href={row.sync_url} target="_blank" rel="noreferrer">{state}</a> : state}
      {row.missing_decision === "keep" && ", kept"}
    </span>
  )
}

function Choice(props: { name: string; isPending: boolean; onChoose: (decision: "keep" | "gone") => void }) {
  return (
    <>
      <button type="button" disabled={props.isPending} onClick={() => props.onChoose("keep")} aria-label={`Keep ${props.name}`}>Keep</button>
      <button type="button" disabled={props.isPending} onClick={() => props.onChoose("gone")} aria-label={`${props.name} is gone`}>Gone</button>
    </>
  )
}
