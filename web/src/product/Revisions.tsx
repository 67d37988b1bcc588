import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query"
import { useState } from "react"
import { type Actor, ACTORS } from "../actors.ts"
import { type Row, useClients } from "../clients.ts"
import { Answer } from "../parts/Answer.tsx"
import { Dialog } from "../parts/Dialog.tsx"
import { formatTime } from "../parts/times.ts"
import { explain } from "../problems.ts"

/** What a document was before each session of edits, how that differs from now, and the way back. */
export function Revisions({ document, onClose }: { document: Row<"documents">; onClose: () => void }) {
  const { supabase, api } = useClients()
  const queries = useQueryClient()
  const [number, setNumber] = useState<number>()
  const revisions = useQuery({
    queryKey: ["revisions", document.id, document.version],
    queryFn: async () => {
      const asked = supabase
        .from("document_revisions")
        .select("number, title, actor, created_at, edited_until")
        .eq("document_id", document.id)
        .order("number", { ascending: false })
      return (await asked.throwOnError()).data
    },
  })
  const restore = useMutation({
    mutationFn: (number: number) =>
      api.POST("/api/docs/{document_id}/revisions/{number}/restore", {
        params: { path: { document_id: document.id, number }, header: { "If-Match": `"${document.version}"` } },
      }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["documents", document.product_id] })
      onClose()
    },
  })
  return (
    <Dialog title="Revisions" onClose={onClose}>
      <Answer of={revisions}>
        {(rows) =>
          rows.length === 0 ? (
            <p className="empty">Once this document is changed, what it was before is kept here.</p>
          ) : (
            <form onSubmit={(event) => { event.preventDefault(); if (number) restore.mutate(number) }}>
              <ul className="choices" tabIndex={0} aria-label="Revisions">
                {rows.map((row) => (
                  <li key={row.number}>
                    <label className="check">
                      <input type="radio" name="revision" checked={number === row.number} onChange={() => setNumber(row.number)} />
                      <span>
                        {row.title}
                        <small>Written by {ACTORS[row.actor as Actor]} until {formatTime(row.edited_until)}</small>
                      </span>
                    </label>
                  </li>
                ))}
              </ul>
              {number && <Diff document={document} number={number} />}
              {restore.error && <p className="refusal" role="alert">{explain(restore.error)}</p>}
              <div className="actions">
                <button type="submit" className="primary" disabled={!number || restore.isPending}>Restore this one</button>
              </div>
            </form>
          )
        }
      </Answer>
    </Dialog>
  )
}

function Diff({ document, number }: { document: Row<"documents">; number: number }) {
  const { api } = useClients()
  const diff = useQuery({
    queryKey: ["revisions", document.id, document.version, number],
    queryFn: async () => {
      const path = { document_id: document.id, number }
      const asked = { params: { path }, parseAs: "text" } as const
      const { data } = await api.GET("/api/docs/{document_id}/revisions/{number}/diff", asked)
      return data ?? ""
    },
  })
  return (
    <Answer of={diff}>
      {(text) => (
        <div className="scroll" tabIndex={0} role="region" aria-label="What has changed since">
          <pre className="diff">
            {text ? text.split("\n").map((line, index) => <span key={index} className={kindOf(line)}>{line}</span>) : "Nothing differs."}
          </pre>
        </div>
      )}
    </Answer>
  )
}

function kindOf(line: string): string | undefined {
  if (/^(\+\+\+|---) /.test(line)) return undefined
  return { "+": "added", "-": "removed" }[line.charAt(0)]
}
