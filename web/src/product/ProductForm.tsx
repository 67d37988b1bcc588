import { useMutation, useQueryClient } from "@tanstack/react-query"
import { type FormEvent, useState } from "react"
import { useLocation } from "wouter"
import { type Row, useClients } from "../clients.ts"
import { type Commitment, commitmentOf, COMMITMENTS } from "../commitments.ts"
import { ConflictNotice } from "../parts/ConflictNotice.tsx"
import { Dialog } from "../parts/Dialog.tsx"
import { Field } from "../parts/Field.tsx"
import { Conflict, explain } from "../problems.ts"
import { changeRow } from "../rows.ts"

type Product = Row<"products">
type Values = { name: string; description: string; icon: string; color: string; commitment: Commitment | "" }
const NEW: Values = { name: "", description: "", icon: "", color: "#4453d6", commitment: "" }

function valuesOf(product: Product | undefined): Values {
  if (!product) return NEW
  const { name, description, icon, color } = product
  return { name, description: description ?? "", icon: icon ?? "", color: color ?? NEW.color, commitment: commitmentOf(product) ?? "" }
}

/** Makes a product, or changes the one that is given. */
export function ProductForm({ product, onClose }: { product?: Product; onClose: () => void }) {
  const { supabase } = useClients()
  const queries = useQueryClient()
  const [, go] = useLocation()
  const [base, setBase] = useState(product)
  const [values, setValues] = useState(valuesOf(product))
  const set = (changed: Partial<Values>): void => setValues({ ...values, ...changed })

  const save = useMutation({
    mutationFn: async (base: Product | undefined) => {
      const { name, description, icon, color, commitment } = values
      const row = { name, description: description || null, icon: icon || null, color, commitment: commitment || null }
      if (base) return changeRow(supabase, "products", base, row)
      return (await supabase.from("products").insert(row).select().single().throwOnError()).data
    },
    onSuccess: async (saved) => {
      // Resume has them by their commitment.
      await Promise.all([["products"], ["work", "resume"]].map((queryKey) => queries.invalidateQueries({ queryKey })))
      onClose()
      if (!product) go(`/products/${saved.id}`)
    },
  })
  function takeTheirs(current: Product): void {
    setBase(current)
    setValues(valuesOf(current))
    save.reset()
  }
  function submit(event: FormEvent): void {
    event.preventDefault()
    save.mutate(base)
  }

  const current = save.error instanceof Conflict ? (save.error.current as Product) : undefined
  return (
    <Dialog title={product ? "Change the product" : "New product"} onClose={onClose}>
      <form onSubmit={submit}>
        {current && (
          <ConflictNotice onTakeTheirs={() => takeTheirs(current)} onSaveMine={() => { setBase(current); save.mutate(current) }}>
            <Facts product={current} />
          </ConflictNotice>
        )}
        <Field label="Name">
          <input required maxLength={200} value={values.name} onChange={(event) => set({ name: event.target.value })} />
        </Field>
        <Field label="Description">
          <textarea rows={3} maxLength={10000} value={values.description} onChange={(event) => set({ description: event.target.value })} />
        </Field>
        <Field label="Commitment" help="Resume has the products in this order, and those of which nothing is said before the parked ones.">
          <select value={values.commitment} onChange={(event) => set({ commitment: event.target.value as Commitment | "" })}>
            <option value="">Nothing said</option>
            {Object.entries(COMMITMENTS).map(([id, { name, meaning }]) => <option key={id} value={id}>{name}: {meaning}</option>)}
          </select>
        </Field>
        <div className="row">
          <Field label="Icon" help="An emoji">
            <input maxLength={16} value={values.icon} onChange={(event) => set({ icon: event.target.value })} />
          </Field>
          <Field label="Colour">
            <input type="color" value={values.color} onChange={(event) => set({ color: event.target.value })} />
          </Field>
        </div>
        {save.error && !current && <p className="refusal" role="alert">{explain(save.error)}</p>}
        <div className="actions">
          <button type="button" onClick={onClose}>Cancel</button>
          <button type="submit" className="primary" disabled={save.isPending}>{product ? "Save" : "Create"}</button>
        </div>
      </form>
    </Dialog>
  )
}

function Facts({ product }: { product: Product }) {
  const commitment = commitmentOf(product)
  return (
    <dl>
      <dt>Name</dt><dd>{product.name}</dd>
      <dt>Description</dt><dd className="kept-lines" tabIndex={0}>{product.description ?? "none"}</dd>
      <dt>Commitment</dt><dd>{commitment ? COMMITMENTS[commitment].name : "none"}</dd>
      <dt>Icon and colour</dt><dd>{product.icon ?? "none"}, {product.color ?? "none"}</dd>
    </dl>
  )
}
