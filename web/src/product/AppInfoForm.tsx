import { useMutation, useQueryClient } from "@tanstack/react-query"
import { type FormEvent, useState } from "react"
import { type Schema, useClients } from "../clients.ts"
import { ConflictNotice } from "../parts/ConflictNotice.tsx"
import { Dialog } from "../parts/Dialog.tsx"
import { Field } from "../parts/Field.tsx"
import { Conflict, explain } from "../problems.ts"
import { changeRow } from "../rows.ts"
import type { AppInfoEntry } from "./AppInfo.tsx"
import { daysOf, endsFrom } from "./key-ends.ts"

type Category = NonNullable<Schema<"AppInfoCreate">["category"]>
const CATEGORIES: Record<Category, string> = {
  env_var: "Environment variable",
  url: "URL",
  credential: "Credential",
  note: "Note",
  other: "Other",
}

// What an entry has in environments is changed in a window of its own.
type Edited = Omit<AppInfoEntry, "environments">
type Values = {
  key: string
  value: string
  description: string
  category: Category
  is_secret: boolean
  expires_on: string
  rotate_days: string
}
const EMPTY: Values = {
  key: "", value: "", description: "", category: "env_var", is_secret: true, expires_on: "", rotate_days: "",
}

/** What an entry has in the form. The value of a secret is not here to be shown: whoever types one replaces it. */
function valuesOf(entry: Edited | undefined): Values {
  if (!entry) return EMPTY
  const { key, value, description, category, is_secret, expires_at, rotate_every } = entry
  const ends = { expires_on: expires_at?.slice(0, 10) ?? "", rotate_days: daysOf(rotate_every) }
  return { key, value: value ?? "", description: description ?? "", category: category as Category, is_secret, ...ends }
}

/** The columns of what the form has. */
function columnsOf({ expires_on, rotate_days, description, ...rest }: Values) {
  return { ...rest, description: description || null, ...endsFrom({ expires_on, rotate_days }) }
}
type Columns = ReturnType<typeof columnsOf>
const COLUMN_OF: Partial<Record<keyof Values, keyof Columns>> = { expires_on: "expires_at", rotate_days: "rotate_every" }

/** Only what differs: a secret whose key is sent again would be sealed again. */
function changesOf(values: Values, entry: Edited): Partial<Columns> {
  const before = valuesOf(entry)
  const columns = columnsOf(values)
  const changed = (Object.keys(values) as (keyof Values)[]).filter((name) => values[name] !== before[name])
  const names = changed.map((name) => COLUMN_OF[name] ?? (name as keyof Columns))
  return Object.fromEntries(names.map((name) => [name, columns[name]]))
}

/** Makes an entry, or changes the one that is given. A secret goes to the function that encrypts it, anything else straight to Supabase. */
export function AppInfoForm(props: { productId: string; entry?: Edited; suggestedKey?: string; onClose: () => void }) {
  const { productId, entry, suggestedKey = "", onClose } = props
  const { supabase, api } = useClients()
  const queries = useQueryClient()
  const [base, setBase] = useState(entry)
  const [values, setValues] = useState(entry ? valuesOf(entry) : { ...EMPTY, key: suggestedKey })
  const set = (changed: Partial<Values>): void => setValues({ ...values, ...changed })

  async function create(): Promise<void> {
    const { is_secret, ...rest } = columnsOf(values)
    const row = { ...rest, product_id: productId }
    if (is_secret) await api.POST("/api/app-info", { body: { ...row, is_secret } })
    else await supabase.from("app_info").insert(row).throwOnError()
  }
  async function change(base: Edited): Promise<void> {
    const changes = changesOf(values, base)
    if (Object.keys(changes).length === 0) return
    const { is_secret, ...plain } = changes
    if (!base.is_secret && is_secret === undefined) {
      await changeRow(supabase, "app_info", base, plain)
      return
    }
    const params = { path: { app_info_id: base.id }, header: { "If-Match": `"${base.version}"` } }
    await api.PATCH("/api/app-info/{app_info_id}", { params, body: changes })
  }
  const save = useMutation({
    gcTime: 0,
    mutationFn: (base: Edited | undefined) => (base ? change(base) : create()),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["app_info"] })
      onClose()
    },
  })
  function takeTheirs(current: Edited): void {
    setBase(current)
    setValues(valuesOf(current))
    save.reset()
  }
  function submit(event: FormEvent): void {
    event.preventDefault()
    save.mutate(base)
  }

  const current = save.error instanceof Conflict ? (save.error.current as Edited) : undefined
  const wasSecret = base?.is_secret ?? false
  return (
    <Dialog title={entry ? "Change the entry" : "New entry"} onClose={onClose}>
      <form onSubmit={submit}>
        {current && (
          <ConflictNotice onTakeTheirs={() => takeTheirs(current)} onSaveMine={() => { setBase(current); save.mutate(current) }}>
            <dl>
              <dt>Key</dt><dd className="mono">{current.key}</dd>
              <dt>Value</dt><dd className="kept-lines" tabIndex={0}>{current.is_secret ? "a secret" : (current.value ?? "none")}</dd>
              <dt>Category</dt><dd>{CATEGORIES[current.category as Category]}</dd>
              <dt>Description</dt><dd>{current.description ?? "none"}</dd>
            </dl>
          </ConflictNotice>
        )}
        <Field label="Key">
          <input className="mono" required maxLength={255} autoComplete="off" value={values.key} onChange={(event) => set({ key: event.target.value })} />
        </Field>
        <Field label="Value" help={wasSecret ? "It stays as it is unless you write another one." : undefined}>
          <textarea className="mono" rows={3} autoComplete="off" spellCheck={false} value={values.value} onChange={(event) => set({ value: event.target.value })} />
        </Field>
        <Field label="Description">
          <input maxLength={10000} value={values.description} onChange={(event) => set({ description: event.target.value })} />
        </Field>
        <div className="row">
          <Field label="Expires on">
            <input type="date" max="9999-12-31" value={values.expires_on} onChange={(event) => set({ expires_on: event.target.value })} />
          </Field>
          <Field label="Renew every … days">
            <input type="number" min={1} max={730} step={1} value={values.rotate_days} onChange={(event) => set({ rotate_days: event.target.value })} />
          </Field>
        </div>
        <div className="row">
          <Field label="Category">
            <select value={values.category} onChange={(event) => set({ category: event.target.value as Category })}>
              {Object.entries(CATEGORIES).map(([id, name]) => <option key={id} value={id}>{name}</option>)}
            </select>
          </Field>
          <label className="check">
            <input type="checkbox" checked={values.is_secret} onChange={(event) => set({ is_secret: event.target.checked })} />
            Secret: encrypted, and shown only when asked for
          </label>
        </div>
        {wasSecret && !values.is_secret && <p>Its value will be kept and shown in the clear, which counts as revealed.</p>}
        {save.error && !current && <p className="refusal" role="alert">{explain(save.error)}</p>}
        <div className="actions">
          <button type="button" onClick={onClose}>Cancel</button>
          <button type="submit" className="primary" disabled={save.isPending}>{entry ? "Save" : "Create"}</button>
        </div>
      </form>
    </Dialog>
  )
}
