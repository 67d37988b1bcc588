import { useQuery } from "@tanstack/react-query"
import { useState } from "react"
import { type Row, type Schema, useClients } from "../clients.ts"
import { Answer } from "../parts/Answer.tsx"
import { Dialog } from "../parts/Dialog.tsx"
import { formatTime } from "../parts/times.ts"
import { describeRunError } from "../run-errors.ts"
import { isOpen, type Run, useRuns } from "./runs.ts"

const TRIGGERS: Record<string, string> = { import: "Import", schedule: "Scheduled re-sync", manual: "Re-sync" }
const STATES: Record<string, string> = {
  queued: "waits for its turn",
  running: "under way",
  succeeded: "done",
  partial: "done in part",
  failed: "failed",
}
const FLAGS: Record<string, string> = {
  mass_disappearance: "Too many were not found at once to be believed: they stay as they were.",
  sso_partial: "An organisation asks for single sign-on, so not all of it was shown.",
  truncated: "GitHub did not tell all.",
}

/** What imports into this product and re-syncs have done, the newest first. */
export function Runs({ product }: { product: Row<"products"> }) {
  const runs = useRuns(product.id)
  const [opened, setOpened] = useState<Run>()
  return (
    <section aria-labelledby="runs">
      <h3 id="runs" className="section-head">Imports and re-syncs</h3>
      <Answer of={runs}>
        {(rows) =>
          rows.length === 0 ? (
            <p className="empty">Each import and each re-sync leaves a line here.</p>
          ) : (
            <ul className="list">
              {rows.map((run) => (
                <li key={run.id}>
                  <div>
                    <strong>{TRIGGERS[run.trigger]}</strong> <span className={run.state === "failed" ? "refusal" : undefined}>{STATES[run.state]}</span>
                    <small>{formatTime(run.created_at)}{tell(run)}</small>
                  </div>
                  {isOpen(run) ? (
                    <Progress run={run} />
                  ) : (
                    <button type="button" onClick={() => setOpened(run)} aria-label={`Details: ${TRIGGERS[run.trigger]}, ${formatTime(run.created_at)}`}>Details</button>
                  )}
                </li>
              ))}
            </ul>
          )
        }
      </Answer>
      {opened && <RunDetails run={opened} onClose={() => setOpened(undefined)} />}
    </section>
  )
}

function Progress({ run }: { run: Run }) {
  const label = run.total === null ? "Not counted yet" : `${run.done} of ${run.total}`
  return (
    <span className="facts">
      <progress aria-label={TRIGGERS[run.trigger]} value={run.total === null ? undefined : run.done} max={run.total || 1} />
      <span role="status">{label}</span>
    </span>
  )
}

function tell(run: Run): string {
  const counts = Object.entries(run.counts).filter(([, count]) => count > 0)
  const said = counts.map(([outcome, count]) => `${count} ${outcome.replaceAll("_", " ")}`).join(", ")
  return said && ` · ${said}`
}

function RunDetails({ run, onClose }: { run: Run; onClose: () => void }) {
  const { api } = useClients()
  const found = useQuery({
    queryKey: ["runs", "results", run.id],
    queryFn: async () => (await api.GET("/api/github/runs/{run_id}", { params: { path: { run_id: run.id } } })).data ?? null,
  })
  return (
    <Dialog title={TRIGGERS[run.trigger] ?? run.trigger} onClose={onClose}>
      {run.error && <p className="refusal">{describeRunError(run.error)}</p>}
      {run.flags.map((flag) => <p key={flag}>{FLAGS[flag]}</p>)}
      <Answer of={found}>
        {(run) =>
          run === null || run.results.length === 0 ? (
            <p className="empty">It was about no repository.</p>
          ) : (
            <>
              <Results results={run.results} />
              {run.results_truncated && <p>There are more than fit here.</p>}
            </>
          )
        }
      </Answer>
    </Dialog>
  )
}

function Results({ results }: { results: Schema<"RunResult">[] }) {
  // What has happened comes before what has not.
  const isNews = ({ outcome }: Schema<"RunResult">): number => Number(outcome === "unchanged")
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="What became of each repository">
      <table>
        <thead><tr><th scope="col">Repository</th><th scope="col">What happened</th></tr></thead>
        <tbody>
          {results.toSorted((one, other) => isNews(one) - isNews(other)).map((each) => (
            <tr key={each.github_id}>
              <td>{each.full_name ?? each.github_id}</td>
              <td>{each.outcome.replaceAll("_", " ")}{each.reason && <small>{each.reason.replaceAll("_", " ")}</small>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
