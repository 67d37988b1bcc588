import { useMutation, useQueryClient } from "@tanstack/react-query"
import { type FormEvent, useState } from "react"
import { type Schema, useClients } from "../clients.ts"
import { Dialog } from "../parts/Dialog.tsx"
import { Field } from "../parts/Field.tsx"
import { explain } from "../problems.ts"

type Category = NonNullable<Schema<"AppInfoCreate">["category"]>
const CATEGORIES: Record<Category, string> = {
  env_var: "Environment variable",
  url: "URL",
  credential: "Credential",
  note: "Note",
  other: "Other",
}

/** Makes an entry. A secret goes to the function that encrypts it, anything else straight to Supabase. */
export function AppInfoForm({ productId, onClose }: { productId: string; onClose: () => void }) {
  const { supabase, api } = useClients()
  const queries = useQueryClient()
  const [key, setKey] = useState("")
  const [value, setValue] = useState("")
  const [category, setCategory] = useState<Category>("env_var")
  const [isSecret, setSecret] = useState(true)
  const create = useMutation({
    gcTime: 0,
    mutationFn: async () => {
      const entry = { product_id: productId, key, value, category }
      if (isSecret) await api.POST("/api/app-info", { body: { ...entry, is_secret: true } })
      else await supabase.from("app_info").insert(entry).throwOnError()
    },
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["app_info"] })
      onClose()
    },
  })
  function submit(event: FormEvent): void {
    event.preventDefault()
    create.mutate()
  }
  return (
    <Dialog title="New entry" onClose={onClose}>
      <form onSubmit={submit}>
        <Field label="Key">
          <input className="mono" required maxLength={255} autoComplete="off" value={key} onChange={(event) => setKey(event.target.value)} />
        </Field>
        <Field label="Value">
          <textarea className="mono" rows={3} autoComplete="off" spellCheck={false} value={value} onChange={(event) => setValue(event.target.value)} />
        </Field>
        <div className="row">
          <Field label="Category">
            <select value={category} onChange={(event) => setCategory(event.target.value as Category)}>
              {Object.entries(CATEGORIES).map(([id, name]) => <option key={id} value={id}>{name}</option>)}
            </select>
          </Field>
          <label className="check">
            <input type="checkbox" checked={isSecret} onChange={(event) => setSecret(event.target.checked)} />
            Secret: encrypted, and shown only when asked for
          </label>
        </div>
        {create.error && <p className="refusal" role="alert">{explain(create.error)}</p>}
        <div className="actions"><button type="submit" className="primary" disabled={create.isPending}>Create</button></div>
      </form>
    </Dialog>
  )
}
