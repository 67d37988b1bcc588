import { useMutation, useQueryClient } from "@tanstack/react-query"
import { type DragEvent, useState } from "react"
import { type Schema, useClients } from "../clients.ts"
import { Dialog } from "../parts/Dialog.tsx"
import { Field } from "../parts/Field.tsx"
import { useSay } from "../parts/notices.tsx"
import { explain } from "../problems.ts"
import type { Environment } from "./environments.ts"
import { EnvironmentChoice } from "./EnvironmentChoice.tsx"

const OUTCOMES: Record<Schema<"EnvLine">["outcome"], string> = {
  new: "new",
  changed: "changes",
  same: "is the same",
  exists: "is a secret already",
  duplicate: "set again below",
  invalid: "cannot be read",
}
type Outcome = keyof typeof OUTCOMES

/** Whether the import would write such a line, or has no reason to. A dry run itself writes nothing. */
function isAsWished(outcome: Outcome, overwrites: boolean): boolean {
  return outcome === "new" || outcome === "same" || outcome === "duplicate" || (overwrites && outcome !== "invalid")
}

/** Takes a whole `.env` file by paste or drop, and shows what each line would do before it does. */
export function EnvImport({ productId, onClose }: { productId: string; onClose: () => void }) {
  const { api } = useClients()
  const queries = useQueryClient()
  const say = useSay()
  const [content, setContent] = useState("")
  const [environment, setEnvironment] = useState<Environment>()
  const [isSecret, setSecret] = useState(true)
  const [overwrites, setOverwrites] = useState(false)

  const ask = async (isDryRun: boolean) => {
    const on_conflict = overwrites ? "overwrite" : "skip"
    const how = { is_secret: isSecret, dry_run: isDryRun, on_conflict, on_invalid: "skip" } as const
    const body = { product_id: productId, content, environment: environment ?? null, ...how }
    return (await api.POST("/api/app-info/import", { body })).data?.items ?? []
  }
  const preview = useMutation({ gcTime: 0, mutationFn: () => ask(true) })
  const run = useMutation({
    gcTime: 0,
    mutationFn: () => ask(false),
    onSuccess: async (lines) => {
      await queries.invalidateQueries({ queryKey: ["app_info"] })
      const count = lines.filter((line) => line.written).length
      say(count === 1 ? "One entry is written." : `${count} entries are written.`)
      onClose()
    },
  })

  // What was looked at is what is written: any change asks for another look.
  function change(set: () => void): void {
    set()
    preview.reset()
  }
  async function drop(event: DragEvent): Promise<void> {
    const file = event.dataTransfer.files[0]
    if (!file) return
    event.preventDefault()
    const text = await file.text()
    change(() => setContent(text))
  }

  const error = preview.error ?? run.error
  return (
    <Dialog title="Paste a .env file" onClose={onClose}>
      <form onSubmit={(event) => { event.preventDefault(); preview.data ? run.mutate() : preview.mutate() }}>
        <Field label="File" help="Paste it, or drop the file here">
          <textarea
            className="mono"
            rows={8}
            required
            spellCheck={false}
            value={content}
            onChange={(event) => change(() => setContent(event.target.value))}
            onDrop={(event: DragEvent) => void drop(event)}
          />
        </Field>
        <EnvironmentChoice
          label="For"
          none="All environments"
          help={environment && "Where an entry has another value everywhere else, the one of the file counts here alone."}
          chosen={environment}
          onChoose={(next) => change(() => setEnvironment(next))}
        />
        <div className="row">
          <label className="check">
            <input type="checkbox" checked={isSecret} onChange={(event) => change(() => setSecret(event.target.checked))} />
            The values are secrets
          </label>
          <label className="check">
            <input type="checkbox" checked={overwrites} onChange={(event) => change(() => setOverwrites(event.target.checked))} />
            Overwrite what is there
          </label>
        </div>
        {preview.data && <Preview lines={preview.data} overwrites={overwrites} />}
        {error && <p className="refusal" role="alert">{explain(error)}</p>}
        <div className="actions">
          <button type="submit" className="primary" disabled={preview.isPending || run.isPending}>
            {preview.data ? "Import" : "Preview"}
          </button>
        </div>
      </form>
    </Dialog>
  )
}

function Preview({ lines, overwrites }: { lines: Schema<"EnvLine">[]; overwrites: boolean }) {
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label="What each line would do">
      <table>
        <thead><tr><th scope="col">Line</th><th scope="col">Key</th><th scope="col">What happens</th></tr></thead>
        <tbody>
          {lines.map((line) => (
            <tr key={line.line}>
              <td>{line.line}</td>
              <td className="mono">{line.key}</td>
              <td>
                {OUTCOMES[line.outcome]}{isAsWished(line.outcome, overwrites) ? "" : ", not written"}
                {line.reason && <small>{line.reason}</small>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
