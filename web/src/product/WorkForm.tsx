import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query"
import { type FormEvent, useState } from "react"
import { type Row, useClients } from "../clients.ts"
import { Answer } from "../parts/Answer.tsx"
import { ConflictNotice } from "../parts/ConflictNotice.tsx"
import { Dialog } from "../parts/Dialog.tsx"
import { Field } from "../parts/Field.tsx"
import { Conflict, explain, STATUS_NAMES } from "../problems.ts"
import { changeRow } from "../rows.ts"
import { PRIORITIES } from "./Card.tsx"

const TYPES = ["feature", "fix", "refactor", "investigation"]

/** Makes a work item, or changes the one with this id. */
export function WorkForm({ productId, id, onClose }: { productId: string; id?: string; onClose: () => void }) {
  const { supabase } = useClients()
  const item = useQuery({
    queryKey: ["work", "item", id ?? "new"],
    queryFn: async () => {
      if (id === undefined) return null
      return (await supabase.from("work_items").select().eq("id", id).maybeSingle().throwOnError()).data
    },
    // What is being edited does not change below its editor: the version finds out.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  })
  return (
    <Dialog title={id ? "Work item" : "New work item"} onClose={onClose}>
      <Answer of={item}>
        {(row) =>
          id && row === null ? (
            <p className="empty">There is no such work item any more.</p>
          ) : (
            <Form productId={productId} item={row} onClose={onClose} />
          )
        }
      </Answer>
    </Dialog>
  )
}

function Form({ productId, item, onClose }: { productId: string; item: Row<"work_items"> | null; onClose: () => void }) {
  const { supabase } = useClients()
  const queries = useQueryClient()
  const [base, setBase] = useState(item)
  const [title, setTitle] = useState(item?.title ?? "")
  const [description, setDescription] = useState(item?.description ?? "")
  const [type, setType] = useState(item?.type ?? "feature")
  const [priority, setPriority] = useState(item?.priority ?? 0)

  const done = async (): Promise<void> => {
    await queries.invalidateQueries({ queryKey: ["work", productId] })
    onClose()
  }
  const save = useMutation({
    mutationFn: async (base: Row<"work_items"> | null) => {
      const values = { title, description: description || null, type, priority }
      if (base) return changeRow(supabase, "work_items", base, values)
      return (await supabase.from("work_items").insert({ ...values, product_id: productId }).select().single().throwOnError()).data
    },
    onSuccess: done,
  })
  const remove = useMutation({
    mutationFn: async () => void (await supabase.from("work_items").delete().eq("id", item?.id ?? "").throwOnError()),
    onSuccess: done,
  })

  function takeTheirs(current: Row<"work_items">): void {
    setBase(current)
    setTitle(current.title)
    setDescription(current.description ?? "")
    setType(current.type)
    setPriority(current.priority)
    save.reset()
  }

  function submit(event: FormEvent): void {
    event.preventDefault()
    save.mutate(base)
  }

  const current = save.error instanceof Conflict ? (save.error.current as Row<"work_items">) : undefined
  return (
    <form onSubmit={submit}>
      {current && (
        <ConflictNotice onTakeTheirs={() => takeTheirs(current)} onSaveMine={() => { setBase(current); save.mutate(current) }}>
          <dl>
            <dt>Title</dt><dd>{current.title}</dd>
            <dt>Status</dt><dd>{STATUS_NAMES[current.status]}</dd>
            <dt>Type and priority</dt><dd>{current.type}, {PRIORITIES[current.priority]}</dd>
            <dt>Description</dt><dd className="kept-lines" tabIndex={0}>{current.description ?? "none"}</dd>
          </dl>
        </ConflictNotice>
      )}
      <Field label="Title">
        <input required maxLength={500} value={title} onChange={(event) => setTitle(event.target.value)} />
      </Field>
      <Field label="Description">
        <textarea rows={6} maxLength={100000} value={description} onChange={(event) => setDescription(event.target.value)} />
      </Field>
      <div className="row">
        <Field label="Type">
          <select value={type} onChange={(event) => setType(event.target.value)}>
            {TYPES.map((name) => <option key={name}>{name}</option>)}
          </select>
        </Field>
        <Field label="Priority">
          <select value={priority} onChange={(event) => setPriority(Number(event.target.value))}>
            {PRIORITIES.map((name, value) => <option key={name} value={value}>{name}</option>)}
          </select>
        </Field>
      </div>
      {save.error && !current && <p className="refusal" role="alert">{explain(save.error)}</p>}
      {remove.error && <p className="refusal" role="alert">{explain(remove.error)}</p>}
      <div className="actions">
        {item && <button type="button" className="danger" onClick={() => remove.mutate()}>Delete</button>}
        <button type="submit" className="primary" disabled={save.isPending}>{item ? "Save" : "Create"}</button>
      </div>
    </form>
  )
}
