import { useQuery } from "@tanstack/react-query"
import { useState } from "react"
import { type Row, type Schema, useClients } from "../clients.ts"
import { Answer } from "../parts/Answer.tsx"
import { ConnectGithub, needsGithubToken } from "../parts/ConnectGithub.tsx"
import { explain } from "../problems.ts"

type Report = Schema<"DriftReport">
type Repository = Report["items"][number]

const NOTHING: Repository["state"][] = ["no_file", "no_keys"]

/** Why nothing can be said of a repository's example. */
const REASONS: Partial<Record<Repository["state"], string>> = {
  not_text: "Its example is no text file.",
  too_large: "Its example is too long to be compared.",
  no_permission: "The GitHub token may not read its contents.",
  missing: "GitHub does not show it.",
  sso_required: "Its organisation asks for single sign-on.",
  forbidden: "GitHub refuses it.",
  unavailable: "GitHub did not answer.",
}

/** How the product's keys differ from the examples in its repositories. Asked for by hand: each look is a request to GitHub. */
export function Drift({ product, onAdd }: { product: Row<"products">; onAdd: (key: string) => void }) {
  const { api } = useClients()
  const [isAsked, setAsked] = useState(false)
  const drift = useQuery({
    // With the keys, so that one that is added is missing no more.
    queryKey: ["app_info", product.id, "drift"],
    queryFn: async ({ signal }) => (await api.GET("/api/app-info/drift", { params: { query: { product_id: product.id } }, signal })).data ?? null,
    enabled: isAsked,
    refetchOnWindowFocus: false,
  })
  return (
    <section aria-labelledby="drift">
      <div className="page-head section-head">
        <h3 id="drift">Compared with the repositories</h3>
        <button type="button" disabled={drift.isFetching} onClick={() => { isAsked ? void drift.refetch() : setAsked(true) }}>
          {drift.isFetching ? "Reading…" : "Compare"}
        </button>
      </div>
      {!isAsked ? (
        <p className="muted">Which keys their .env.example names and this product lacks. Names only; no value is read.</p>
      ) : needsGithubToken(drift.error) ? (
        <>
          <p className="refusal" role="alert">{explain(drift.error)}</p>
          <ConnectGithub onConnected={() => void drift.refetch()} />
        </>
      ) : (
        <Answer of={drift}>{(report) => (report ? <Comparison report={report} onAdd={onAdd} /> : null)}</Answer>
      )}
    </section>
  )
}

function Comparison({ report, onAdd }: { report: Report; onAdd: (key: string) => void }) {
  if (report.items.length === 0) return <p className="empty">The product has no repository from GitHub to compare with.</p>
  const unused = [...new Set(report.items.flatMap((each) => each.unused))]
  const compared = report.items.filter(({ state }) => !NOTHING.includes(state))
  const others = report.items.filter(({ state }) => NOTHING.includes(state))
  return (
    <>
      <ul className="list">
        {compared.map((each) => (
          <li key={each.repository_id}>
            <div>
              <strong>{each.full_name}</strong>
              <small>{describe(each)} {each.url && <a href={each.url} target="_blank" rel="noreferrer">Open GitHub</a>}</small>
              <Missing of={each} onAdd={onAdd} />
            </div>
          </li>
        ))}
        {others.length > 0 && (
          <li>
            <div>
              <strong>Nothing to compare</strong>
              <small>Without an .env.example, .env.sample or .env.template that names a key: {others.map((each) => each.full_name).join(", ")}</small>
            </div>
          </li>
        )}
        {unused.length > 0 && (
          <li>
            <div>
              <strong>In no example</strong>
              <small>Variables of this product that no repository names: <span className="mono">{unused.join(", ")}</span></small>
            </div>
          </li>
        )}
      </ul>
      {report.left_out > 0 && <p className="muted">{report.left_out} more repositories were not read.</p>}
    </>
  )
}

function describe({ state, file, reason, missing, missing_count }: Repository): string {
  if (state !== "read") return [REASONS[state], reason].filter(Boolean).join(" ")
  if (missing_count === 0) return `All keys of ${file} are here.`
  const needed = missing.filter(({ has_default }) => !has_default).length
  const keys = missing_count === 1 ? "1 key" : `${missing_count} keys`
  const shown = missing_count > missing.length ? ` The first ${missing.length}:` : ""
  return `${keys} of ${file} ${missing_count === 1 ? "is" : "are"} missing; without a default: ${needed || "none"}.${shown}`
}

function Missing({ of: { missing }, onAdd }: { of: Repository; onAdd: (key: string) => void }) {
  if (missing.length === 0) return null
  // What has to be set comes before what may be.
  const sorted = missing.toSorted((one, other) => Number(one.has_default) - Number(other.has_default))
  return (
    <ul className="missing">
      {sorted.map(({ key, has_default }) => (
        <li key={key}>
          <code className={has_default ? undefined : "needed"}>{key}</code>
          {has_default && <small>has a default</small>}
          <button type="button" className="quiet" onClick={() => onAdd(key)} aria-label={`Add ${key}`}>Add</button>
        </li>
      ))}
    </ul>
  )
}
