import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query"
import { useEffect, useState } from "react"
import { type Row, type Schema, useClients } from "../clients.ts"
import { ConnectGithub, needsGithubToken } from "../parts/ConnectGithub.tsx"
import { Dialog } from "../parts/Dialog.tsx"
import { Field } from "../parts/Field.tsx"
import { explain } from "../problems.ts"

type Choice = Schema<"GitHubRepositoryRead">
const PAGE = 100
// Whoever has more finds the rest by typing; a list of them all would only be slow.
const SHOWN = 200

/** Chooses repositories of the GitHub account and imports them into the product. */
export function ImportRepositories({ product, onClose }: { product: Row<"products">; onClose: () => void }) {
  const { api } = useClients()
  const queries = useQueryClient()
  const [search, setSearch] = useState("")
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set())
  const found = useInfiniteQuery({
    queryKey: ["github", "repos"],
    initialPageParam: 0,
    queryFn: async ({ pageParam, signal }) => {
      const query = { limit: PAGE, skip: pageParam }
      const { data } = await api.GET("/api/github/repos", { params: { query }, signal })
      return data?.items ?? []
    },
    getNextPageParam: (last, all) => (last.length === PAGE ? all.length * PAGE : undefined),
  })
  const { hasNextPage, isFetching, isError, fetchNextPage } = found
  useEffect(() => {
    // All of them, a page after the other, so that the search finds every one.
    if (hasNextPage && !isFetching && !isError) void fetchNextPage()
  }, [hasNextPage, isFetching, isError, fetchNextPage])

  const run = useMutation({
    mutationFn: async () => {
      const body = { product_id: product.id, github_ids: [...chosen] }
      return (await api.POST("/api/github/import", { body })).data
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ["runs"] })
      return queries.invalidateQueries({ queryKey: ["repositories"] })
    },
  })

  const all = found.data?.pages.flat() ?? []
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  const matching = all.filter((each) => words.every((word) => textOf(each).includes(word)))
  const needsToken = needsGithubToken(found.error)

  function toggle(id: number): void {
    const next = new Set(chosen)
    if (!next.delete(id)) next.add(id)
    setChosen(next)
  }

  return (
    <Dialog title="Import from GitHub" onClose={onClose}>
      {needsToken ? (
        <ConnectGithub onConnected={() => void found.refetch()} />
      ) : run.data ? (
        <Report report={run.data} names={all} onClose={onClose} />
      ) : (
        <form onSubmit={(event) => { event.preventDefault(); run.mutate() }}>
          <Field label="Search" help={found.isFetching ? `${all.length} so far…` : `${matching.length} of ${all.length}`}>
            <input type="search" value={search} onChange={(event) => setSearch(event.target.value)} />
          </Field>
          {found.error && <p className="refusal" role="alert">{explain(found.error)}</p>}
          <ul className="choices" tabIndex={0} aria-label="Repositories">
            {matching.slice(0, SHOWN).map((each) => (
              <li key={each.github_id}>
                <label className="check">
                  <input type="checkbox" checked={chosen.has(each.github_id)} onChange={() => toggle(each.github_id)} />
                  <span>{each.full_name}<Whereabouts repository={each} productId={product.id} /></span>
                </label>
              </li>
            ))}
          </ul>
          {run.error && <p className="refusal" role="alert">{explain(run.error)}</p>}
          <div className="actions">
            <button type="submit" className="primary" disabled={chosen.size === 0 || run.isPending}>
              {run.isPending ? `Reading ${chosen.size} from GitHub…` : `Import ${chosen.size || ""}`}
            </button>
          </div>
        </form>
      )}
    </Dialog>
  )
}

const textOf = (each: Choice): string => `${each.full_name} ${each.language ?? ""} ${each.description ?? ""}`.toLowerCase()

function Whereabouts({ repository, productId }: { repository: Choice; productId: string }) {
  const elsewhere = repository.products.filter(({ id }) => id !== productId).map(({ name }) => name)
  const facts = [
    repository.is_private && "private",
    repository.is_archived && "archived",
    repository.products.some(({ id }) => id === productId) && "in this product",
    elsewhere.length > 0 && `in ${elsewhere.join(", ")}`,
  ].filter(Boolean)
  return <small>{[repository.language, ...facts].filter(Boolean).join(" · ")}</small>
}

function describe(counts: Record<string, number>): string {
  const happened = Object.entries(counts).filter(([, count]) => count > 0)
  return happened.map(([outcome, count]) => `${count} ${outcome.replaceAll("_", " ")}`).join(", ")
}

function Report(props: { report: Schema<"ImportReport"> | Schema<"RunRead">; names: Choice[]; onClose: () => void }) {
  const { report, names, onClose } = props
  const failed = "results" in report ? report.results.filter((each) => each.reason) : []
  return (
    <>
      <p role="status">
        {"results" in report
          ? describe(report.counts)
          : "So many are imported in the background. They appear as they arrive, and below them how far it is."}
      </p>
      {failed.length > 0 && (
        <ul className="list">
          {failed.map((each) => (
            <li key={each.github_id}>
              <strong>{names.find((name) => name.github_id === each.github_id)?.full_name ?? each.github_id}</strong>
              <small>{each.reason} {each.url && <a href={each.url} target="_blank" rel="noreferrer">Open GitHub</a>}</small>
            </li>
          ))}
        </ul>
      )}
      <div className="actions"><button type="button" className="primary" onClick={onClose}>Done</button></div>
    </>
  )
}
