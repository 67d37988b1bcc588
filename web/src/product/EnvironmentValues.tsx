import { useMutation, useQueryClient } from "@tanstack/react-query"
import { useState } from "react"
import { useClients } from "../clients.ts"
import { ConflictNotice } from "../parts/ConflictNotice.tsx"
import { Confirm, Dialog } from "../parts/Dialog.tsx"
import { Field } from "../parts/Field.tsx"
import { Conflict, explain } from "../problems.ts"
import type { AppInfoEntry } from "./AppInfo.tsx"
import { type Environment, ENVIRONMENTS, EVERYWHERE, findOwn } from "./environments.ts"
import { useReveal } from "./reveal.ts"
import { type Held, Value, ValueActions } from "./Value.tsx"

/** What an entry holds in each environment, to give it a value of its own there or to take that back. */
export function EnvironmentValues({ entry, onClose }: { entry: AppInfoEntry; onClose: () => void }) {
  const [edited, setEdited] = useState<Environment>()
  const revealed = useReveal(entry.id)
  const held: Held = { ...entry, name: `${entry.key}, everywhere else` }
  return (
    <Dialog title={`Environments of ${entry.key}`} onClose={onClose}>
      <p className="muted">An environment has a value of its own, or the one that counts everywhere else.</p>
      <ul className="list">
        {(Object.keys(ENVIRONMENTS) as Environment[]).map((environment) => (
          <li key={environment} className="own-value">
            {edited === environment ? (
              <Editor entry={entry} environment={environment} onClose={() => setEdited(undefined)} />
            ) : (
              <Line entry={entry} environment={environment} onEdit={() => setEdited(environment)} />
            )}
          </li>
        ))}
        <li className="own-value">
          <strong>{EVERYWHERE}</strong>
          <Value held={held} revealed={revealed} />
          <span className="entry-actions"><ValueActions held={held} revealed={revealed} /></span>
        </li>
      </ul>
    </Dialog>
  )
}

type Props = { entry: AppInfoEntry; environment: Environment }

function Line({ entry, environment, onEdit }: Props & { onEdit: () => void }) {
  const revealed = useReveal(entry.id, environment)
  const [isRemoving, setRemoving] = useState(false)
  const own = findOwn(entry, environment)
  const name = `${entry.key}, ${environment}`
  const held: Held | undefined = own && { ...own, is_secret: entry.is_secret, name }
  return (
    <>
      <strong>{ENVIRONMENTS[environment]}</strong>
      {held ? <Value held={held} revealed={revealed} /> : <span className="muted">as everywhere else</span>}
      <span className="entry-actions">
        {held && <ValueActions held={held} revealed={revealed} />}
        <button type="button" onClick={onEdit} aria-label={`${held ? "Change" : "Set"} ${name}`}>{held ? "Change" : "Set"}</button>
        {held && <button type="button" className="quiet" onClick={() => setRemoving(true)} aria-label={`Remove ${name}`}>✕</button>}
      </span>
      {isRemoving && <Removal entry={entry} environment={environment} onClose={() => setRemoving(false)} />}
    </>
  )
}

function Editor({ entry, environment, onClose }: Props & { onClose: () => void }) {
  const { api } = useClients()
  const queries = useQueryClient()
  // What is being edited does not change below its editor: the version finds out. It is the entry's, which every value of it raises.
  const [base, setBase] = useState(entry)
  const [value, setValue] = useState(findOwn(entry, environment)?.value ?? "")
  const save = useMutation({
    gcTime: 0,
    mutationFn: ({ id, version }: AppInfoEntry) => {
      const params = { path: { app_info_id: id, environment }, header: { "If-Match": `"${version}"` } }
      return api.PUT("/api/app-info/{app_info_id}/environments/{environment}", { params, body: { value } })
    },
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["app_info"] })
      onClose()
    },
  })
  const current = save.error instanceof Conflict ? (save.error.current as AppInfoEntry) : undefined
  function takeTheirs(current: AppInfoEntry): void {
    setBase(current)
    setValue(findOwn(current, environment)?.value ?? "")
    save.reset()
  }
  return (
    <form onSubmit={(event) => { event.preventDefault(); save.mutate(base) }}>
      {current && (
        <ConflictNotice onTakeTheirs={() => takeTheirs(current)} onSaveMine={() => { setBase(current); save.mutate(current) }}>
          <dl>
            <dt>{ENVIRONMENTS[environment]}</dt><dd className="kept-lines">{describe(current, environment)}</dd>
            <dt>{EVERYWHERE}</dt><dd className="kept-lines">{current.is_secret ? "a secret" : (current.value ?? "no value")}</dd>
          </dl>
        </ConflictNotice>
      )}
      <Field label={ENVIRONMENTS[environment]} help={entry.is_secret ? "Encrypted, as the entry is." : undefined}>
        <textarea className="mono" rows={2} autoFocus autoComplete="off" spellCheck={false} value={value} onChange={(event) => setValue(event.target.value)} />
      </Field>
      {save.error && !current && <p className="refusal" role="alert">{explain(save.error)}</p>}
      <div className="actions">
        <button type="button" onClick={onClose}>Cancel</button>
        <button type="submit" className="primary" disabled={save.isPending}>Save</button>
      </div>
    </form>
  )
}

function describe(entry: AppInfoEntry, environment: Environment): string {
  const own = findOwn(entry, environment)
  if (!own) return "as everywhere else"
  return entry.is_secret ? "a secret" : (own.value ?? "no value")
}

function Removal({ entry, environment, onClose }: Props & { onClose: () => void }) {
  const { api } = useClients()
  const queries = useQueryClient()
  const remove = useMutation({
    mutationFn: () => {
      const params = { path: { app_info_id: entry.id, environment }, header: { "If-Match": `"${entry.version}"` } }
      return api.DELETE("/api/app-info/{app_info_id}/environments/{environment}", { params })
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["app_info"] }),
    onSuccess: onClose,
  })
  return (
    <Confirm title={`Remove the value for ${environment}?`} action="Remove" onConfirm={() => remove.mutate()} onClose={onClose}>
      {remove.error ? <span className="refusal" role="alert">{explain(remove.error)}</span> : "The one that counts everywhere else counts there, too. This one stays among the entry's former values."}
    </Confirm>
  )
}
