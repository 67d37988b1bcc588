import { useMutation, useQueryClient } from "@tanstack/react-query"
import { type FormEvent, useState } from "react"
import { useLocation } from "wouter"
import { type Row, useClients } from "../clients.ts"
import { Dialog } from "../parts/Dialog.tsx"
import { Field } from "../parts/Field.tsx"
import { explain } from "../problems.ts"
import { changeRow } from "../rows.ts"

/** Makes a product, or changes the one that is given. */
export function ProductForm({ product, onClose }: { product?: Row<"products">; onClose: () => void }) {
  const { supabase } = useClients()
  const queries = useQueryClient()
  const [, go] = useLocation()
  const [name, setName] = useState(product?.name ?? "")
  const [description, setDescription] = useState(product?.description ?? "")
  const [icon, setIcon] = useState(product?.icon ?? "")
  const [color, setColor] = useState(product?.color ?? "#4453d6")

  const save = useMutation({
    mutationFn: async () => {
      const values = { name, description: description || null, icon: icon || null, color }
      if (product) return changeRow(supabase, "products", product, values)
      return (await supabase.from("products").insert(values).select().single().throwOnError()).data
    },
    onSuccess: async (saved) => {
      await queries.invalidateQueries({ queryKey: ["products"] })
      onClose()
      if (!product) go(`/products/${saved.id}`)
    },
  })

  function submit(event: FormEvent): void {
    event.preventDefault()
    save.mutate()
  }

  return (
    <Dialog title={product ? "Change the product" : "New product"} onClose={onClose}>
      <form onSubmit={submit}>
        <Field label="Name">
          <input required maxLength={200} value={name} onChange={(event) => setName(event.target.value)} />
        </Field>
        <Field label="Description">
          <textarea rows={3} maxLength={10000} value={description} onChange={(event) => setDescription(event.target.value)} />
        </Field>
        <div className="row">
          <Field label="Icon" help="An emoji">
            <input maxLength={16} value={icon} onChange={(event) => setIcon(event.target.value)} />
          </Field>
          <Field label="Colour">
            <input type="color" value={color} onChange={(event) => setColor(event.target.value)} />
          </Field>
        </div>
        {save.error && <p className="refusal" role="alert">{explain(save.error)}</p>}
        <div className="actions">
          <button type="button" onClick={onClose}>Cancel</button>
          <button type="submit" className="primary" disabled={save.isPending}>{product ? "Save" : "Create"}</button>
        </div>
      </form>
    </Dialog>
  )
}
