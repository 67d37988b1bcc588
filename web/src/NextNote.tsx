import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query"
import { useState } from "react"
import { type Row, useClients } from "./clients.ts"
import { Answer } from "./parts/Answer.tsx"
import { ConflictNotice } from "./parts/ConflictNotice.tsx"
import { Dialog } from "./parts/Dialog.tsx"
import { Field } from "./parts/Field.tsx"
import { Conflict, explain } from "./problems.ts"
import { changeRow } from "./rows.ts"

type Noted = Pick<Row<"products">, "id" | "name" | "next_note" | "version">

/** Writes down what comes next in a product, for whoever resumes it. */
export function NextNote({ productId, onClose }: { productId: string; onClose: () => void }) {
  const { supabase } = useClients()
  const product = useQuery({
    queryKey: ["products", productId, "note"],
    queryFn: async () => {
      const asked = supabase.from("products").select("id, name, next_note, version").eq("id", productId)
      return (await asked.maybeSingle().throwOnError()).data
    },
    // What is being edited does not change below its editor: the version finds out.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  })
  return (
    <Dialog title="What comes next" onClose={onClose}>
      <Answer of={product}>
        {(found) => (found ? <Form product={found} onClose={onClose} /> : <p className="empty">There is no such product any more.</p>)}
      </Answer>
    </Dialog>
  )
}

function Form({ product, onClose }: { product: Noted; onClose: () => void }) {
  const { supabase } = useClients()
  const queries = useQueryClient()
  const [base, setBase] = useState(product)
  const [note, setNote] = useState(product.next_note ?? "")
  const save = useMutation({
    mutationFn: (base: Noted) => changeRow(supabase, "products", base, { next_note: note || null }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["work", "resume"] })
      onClose()
    },
  })
  const current = save.error instanceof Conflict ? (save.error.current as Noted) : undefined
  function takeTheirs(current: Noted): void {
    setBase(current)
    setNote(current.next_note ?? "")
    save.reset()
  }
  return (
    <form onSubmit={(event) => { event.preventDefault(); save.mutate(base) }}>
      {current && (
        <ConflictNotice onTakeTheirs={() => takeTheirs(current)} onSaveMine={() => { setBase(current); save.mutate(current) }}>
          <p className="kept-lines">{current.next_note ?? "No note"}</p>
        </ConflictNotice>
      )}
      <Field label={`What comes next in ${product.name}`} help="You, or an agent, will read it when you come back.">
        <textarea rows={5} maxLength={2000} value={note} onChange={(event) => setNote(event.target.value)} />
      </Field>
      {save.error && !current && <p className="refusal" role="alert">{explain(save.error)}</p>}
      <div className="actions">
        <button type="button" onClick={onClose}>Cancel</button>
        <button type="submit" className="primary" disabled={save.isPending}>Save</button>
      </div>
    </form>
  )
}
