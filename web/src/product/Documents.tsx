import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query"
import { type FormEvent, useState } from "react"
import { Link, useLocation } from "wouter"
import { type Row, useClients } from "../clients.ts"
import { Answer } from "../parts/Answer.tsx"
import { Dialog } from "../parts/Dialog.tsx"
import { Field } from "../parts/Field.tsx"
import { MoreRows } from "../parts/MoreRows.tsx"
import { formatDay } from "../parts/times.ts"
import { explain } from "../problems.ts"

const TYPES = ["note", "plan", "architecture", "blueprint"]
const PAGE = 100

/** The documents of a product, the pinned ones first. */
export function Documents({ product }: { product: Row<"products"> }) {
  const { supabase } = useClients()
  const [limit, setLimit] = useState(PAGE)
  const [isAdding, setAdding] = useState(false)
  const documents = useQuery({
    queryKey: ["documents", product.id, "list", limit],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const asked = supabase
        .from("documents")
        .select("id, title, type, is_pinned, updated_at")
        .eq("product_id", product.id)
        .order("is_pinned", { ascending: false })
        .order("created_at", { ascending: false })
        .order("id", { ascending: false })
        .limit(limit)
      return (await asked.abortSignal(signal).throwOnError()).data
    },
  })
  return (
    <>
      <div className="page-head">
        <h2>Documents</h2>
        <button type="button" className="primary" onClick={() => setAdding(true)}>New document</button>
      </div>
      <Answer of={documents}>
        {(rows) =>
          rows.length === 0 ? (
            <p className="empty">Plans, notes and decisions in Markdown. Agents can write them, too.</p>
          ) : (
            <ul className="list">
              {rows.map((row) => (
                <li key={row.id}>
                  <Link href={`/products/${product.id}/documents/${row.id}`}>{row.title}</Link>
                  <span className="facts">
                    {row.is_pinned && <span className="tag">pinned</span>}
                    <span>{row.type}</span>
                    <time dateTime={row.updated_at}>{formatDay(row.updated_at)}</time>
                  </span>
                </li>
              ))}
            </ul>
          )
        }
      </Answer>
      <MoreRows shown={documents.data?.length ?? 0} limit={limit} onMore={setLimit} />
      {isAdding && <NewDocument productId={product.id} onClose={() => setAdding(false)} />}
    </>
  )
}

function NewDocument({ productId, onClose }: { productId: string; onClose: () => void }) {
  const { supabase } = useClients()
  const queries = useQueryClient()
  const [, go] = useLocation()
  const [title, setTitle] = useState("")
  const [type, setType] = useState("note")
  const create = useMutation({
    mutationFn: async () => {
      const values = { product_id: productId, title, type }
      return (await supabase.from("documents").insert(values).select("id").single().throwOnError()).data
    },
    onSuccess: async ({ id }) => {
      await queries.invalidateQueries({ queryKey: ["documents"] })
      go(`/products/${productId}/documents/${id}`)
    },
  })
  function submit(event: FormEvent): void {
    event.preventDefault()
    create.mutate()
  }
  return (
    <Dialog title="New document" onClose={onClose}>
      <form onSubmit={submit}>
        <Field label="Title">
          <input required maxLength={500} value={title} onChange={(event) => setTitle(event.target.value)} />
        </Field>
        <Field label="Type">
          <select value={type} onChange={(event) => setType(event.target.value)}>
            {TYPES.map((name) => <option key={name}>{name}</option>)}
          </select>
        </Field>
        {create.error && <p className="refusal" role="alert">{explain(create.error)}</p>}
        <div className="actions"><button type="submit" className="primary" disabled={create.isPending}>Create</button></div>
      </form>
    </Dialog>
  )
}
