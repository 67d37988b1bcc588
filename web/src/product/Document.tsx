import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query"
import { lazy, Suspense, useState } from "react"
import { Link, useLocation } from "wouter"
import { type Row, useClients } from "../clients.ts"
import { Answer } from "../parts/Answer.tsx"
import { ConflictNotice } from "../parts/ConflictNotice.tsx"
import { Confirm } from "../parts/Dialog.tsx"
import { Field } from "../parts/Field.tsx"
import { useSay } from "../parts/notices.tsx"
import { Conflict, explain } from "../problems.ts"
import { changeRow } from "../rows.ts"
import { Revisions } from "./Revisions.tsx"

// The renderer and its sanitiser come with the first document, not with the page.
const Markdown = lazy(() => import("../parts/Markdown.tsx"))

/** One document, to read and to write. */
export function Document({ id, product }: { id: string; product: Row<"products"> }) {
  const { supabase } = useClients()
  const document = useQuery({
    queryKey: ["documents", product.id, id],
    queryFn: async () => (await supabase.from("documents").select().eq("id", id).maybeSingle().throwOnError()).data,
  })
  return (
    <>
      <p className="back"><Link href={`/products/${product.id}/documents`}>← Documents</Link></p>
      <Answer of={document}>
        {(row) => (row ? <Shown document={row} /> : <p className="empty">There is no such document any more.</p>)}
      </Answer>
    </>
  )
}

function Shown({ document }: { document: Row<"documents"> }) {
  const { supabase } = useClients()
  const queries = useQueryClient()
  const say = useSay()
  const [, go] = useLocation()
  const [isEditing, setEditing] = useState(document.content === "")
  const [isDeleting, setDeleting] = useState(false)
  const [showsRevisions, setShowsRevisions] = useState(false)
  const key = ["documents", document.product_id]
  const pin = useMutation({
    mutationFn: () => changeRow(supabase, "documents", document, { is_pinned: !document.is_pinned }),
    onError: (error) => say(explain(error), true),
    onSettled: () => queries.invalidateQueries({ queryKey: key }),
  })
  const remove = useMutation({
    mutationFn: async () => void (await supabase.from("documents").delete().eq("id", document.id).throwOnError()),
    onSuccess: async () => {
      go(`/products/${document.product_id}/documents`)
      await queries.invalidateQueries({ queryKey: key })
    },
    onError: (error) => say(explain(error), true),
  })
  if (isEditing) return <Editor document={document} onClose={() => setEditing(false)} />
  return (
    <article>
      <div className="page-head">
        <h2>{document.title}</h2>
        <button type="button" onClick={() => pin.mutate()} aria-pressed={document.is_pinned}>{document.is_pinned ? "Unpin" : "Pin"}</button>
        <button type="button" onClick={() => setShowsRevisions(true)}>Revisions</button>
        <button type="button" onClick={() => setDeleting(true)}>Delete</button>
        <button type="button" className="primary" onClick={() => setEditing(true)}>Edit</button>
      </div>
      <Suspense fallback={<p className="empty">Loading…</p>}>
        {document.content ? <Markdown text={document.content} /> : <p className="empty">Nothing is written here yet.</p>}
      </Suspense>
      {showsRevisions && <Revisions document={document} onClose={() => setShowsRevisions(false)} />}
      {isDeleting && (
        <Confirm title={`Delete ${document.title}?`} action="Delete" onConfirm={() => remove.mutate()} onClose={() => setDeleting(false)}>
          Its revisions go with it, into the trash for 30 days.
        </Confirm>
      )}
    </article>
  )
}

function Editor({ document, onClose }: { document: Row<"documents">; onClose: () => void }) {
  const { supabase } = useClients()
  const queries = useQueryClient()
  const [base, setBase] = useState(document)
  const [title, setTitle] = useState(document.title)
  const [content, setContent] = useState(document.content)
  const [isPreview, setPreview] = useState(false)
  const save = useMutation({
    mutationFn: (base: Row<"documents">) => changeRow(supabase, "documents", base, { title, content }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["documents", document.product_id] })
      onClose()
    },
  })
  function takeTheirs(current: Row<"documents">): void {
    setBase(current)
    setTitle(current.title)
    setContent(current.content)
    save.reset()
  }
  const current = save.error instanceof Conflict ? (save.error.current as Row<"documents">) : undefined
  return (
    <form onSubmit={(event) => { event.preventDefault(); save.mutate(base) }}>
      {current && (
        <ConflictNotice onTakeTheirs={() => takeTheirs(current)} onSaveMine={() => { setBase(current); save.mutate(current) }}>
          <pre tabIndex={0}>{current.title}{"\n\n"}{current.content}</pre>
        </ConflictNotice>
      )}
      <Field label="Title">
        <input required maxLength={500} value={title} onChange={(event) => setTitle(event.target.value)} />
      </Field>
      {isPreview ? (
        <Suspense fallback={<p className="empty">Loading…</p>}><Markdown text={content} /></Suspense>
      ) : (
        <Field label="Content" help="Markdown">
          <textarea className="editor" rows={20} value={content} onChange={(event) => setContent(event.target.value)} />
        </Field>
      )}
      {save.error && !current && <p className="refusal" role="alert">{explain(save.error)}</p>}
      <div className="actions">
        <button type="button" onClick={() => setPreview(!isPreview)}>{isPreview ? "Write" : "Preview"}</button>
        <button type="button" onClick={onClose}>Cancel</button>
        <button type="submit" className="primary" disabled={save.isPending}>Save</button>
      </div>
    </form>
  )
}
