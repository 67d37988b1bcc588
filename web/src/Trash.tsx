import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query"
import { useState } from "react"
import { useLocation } from "wouter"
import { ACTORS } from "./actors.ts"
import { type Schema, useClients } from "./clients.ts"
import { describeCounts, ENTITIES, placeOf } from "./entities.ts"
import { Answer } from "./parts/Answer.tsx"
import { Confirm, Dialog } from "./parts/Dialog.tsx"
import { useSay } from "./parts/notices.tsx"
import { ShowMore, usePages } from "./parts/Pages.tsx"
import { formatDay, formatTime } from "./parts/times.ts"
import { useTitle } from "./parts/title.ts"
import { explain, Problem } from "./problems.ts"

type Deleted = Schema<"TrashRead">
type OnConflict = Schema<"TrashRestore">["on_conflict"]

/** What was deleted in the last 30 days: to look at, to restore, to delete for good. */
export function Trash() {
  useTitle("Trash")
  const { api } = useClients()
  const [opened, setOpened] = useState<string>()
  const sets = usePages(["trash"], async (query, signal) => (await api.GET("/api/trash", { params: { query }, signal })).data)
  return (
    <>
      <div className="page-head"><h1>Trash</h1></div>
      <Answer of={sets}>
        {(rows) =>
          rows.length === 0 ? (
            <p className="empty">What is deleted stays here for 30 days and can be restored as it was, secrets included.</p>
          ) : (
            <ul className="list">
              {rows.map((set) => (
                <li key={set.id}>
                  <div>
                    <strong>{set.title}</strong>
                    <small>{describe(set)}</small>
                  </div>
                  <button type="button" onClick={() => setOpened(set.id)} aria-label={`Look: ${set.title}`}>Look</button>
                </li>
              ))}
            </ul>
          )
        }
      </Answer>
      <ShowMore of={sets} />
      {opened && <DeletedSet key={opened} id={opened} onOpen={setOpened} onClose={() => setOpened(undefined)} />}
    </>
  )
}

function describe(set: Deleted): string {
  return `${describeCounts(set.counts)} · deleted by ${ACTORS[set.actor]} ${formatTime(set.created_at)} · goes for good ${formatDay(set.expires_at)}`
}

/** What one request deleted, and the ways from here. */
function DeletedSet({ id, onOpen, onClose }: { id: string; onOpen: (id: string) => void; onClose: () => void }) {
  const { api } = useClients()
  const queries = useQueryClient()
  const say = useSay()
  const [, go] = useLocation()
  const [isPurging, setPurging] = useState(false)
  const path = { trash_id: id }
  const set = useQuery({
    queryKey: ["trash", id],
    queryFn: async () => (await api.GET("/api/trash/{trash_id}", { params: { path } })).data ?? null,
  })
  const restore = useMutation({
    mutationFn: async (on_conflict: OnConflict) =>
      (await api.POST("/api/trash/{trash_id}/restore", { params: { path }, body: { on_conflict } })).data,
    onSuccess: async (report) => {
      await queries.invalidateQueries()
      const left = report?.skipped.length ?? 0
      say(`Restored: ${describeCounts(report?.restored ?? {}) || "nothing"}.${left ? ` ${left} stay in the trash.` : ""}`)
      onClose()
      const found = set.data
      if (found?.entity_id && left === 0) go(placeOf({ ...found, id: found.entity_id }))
    },
  })
  const purge = useMutation({
    mutationFn: () => api.DELETE("/api/trash/{trash_id}", { params: { path } }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ["trash"] })
      onClose()
    },
    onError: (error) => say(explain(error), true),
  })
  return (
    <Dialog title={set.data?.title ?? "In the trash"} onClose={onClose}>
      <Answer of={set}>
        {(found) =>
          found === null ? null : (
            <>
              <p>{describe(found)}</p>
              <ul className="choices" tabIndex={0} aria-label="What is in it">
                {found.entries.map((entry) => (
                  <li key={entry.id}>{entry.name}<small>{ENTITIES[entry.entity]}</small></li>
                ))}
              </ul>
              {restore.error && <InTheWay error={restore.error} onOpen={onOpen} onRestore={(how) => restore.mutate(how)} />}
              <div className="actions">
                <button type="button" className="danger" onClick={() => setPurging(true)}>Delete for good</button>
                <button type="button" className="primary" disabled={restore.isPending} onClick={() => restore.mutate("fail")}>Restore</button>
              </div>
            </>
          )
        }
      </Answer>
      {isPurging && (
        <Confirm title="Delete for good?" action="Delete for good" onConfirm={() => purge.mutate()} onClose={() => setPurging(false)}>
          Nothing brings it back then.
        </Confirm>
      )}
    </Dialog>
  )
}

/** Why a set was not restored, and what can be done about it. */
function InTheWay(props: { error: Error; onOpen: (id: string) => void; onRestore: (how: OnConflict) => void }) {
  const { error, onOpen, onRestore } = props
  const { conflicts, trash_id } = error instanceof Problem ? error.rest : {}
  if (error instanceof Problem && error.type.endsWith(":trash-conflict") && conflicts) {
    return (
      <div className="conflict" role="alert">
        <p>Something has taken the place of these, so that they cannot come back beside it:</p>
        <ul>{conflicts.map((each) => <li key={each.id} className="mono">{each.name}</li>)}</ul>
        <div className="actions">
          <button type="button" onClick={() => onRestore("skip")}>Restore the others</button>
          {conflicts.every((each) => each.entity === "app_info") && (
            <button type="button" onClick={() => onRestore("rename")}>Restore under another name</button>
          )}
        </div>
      </div>
    )
  }
  if (error instanceof Problem && error.type.endsWith(":trash-parent") && trash_id) {
    return (
      <div className="conflict" role="alert">
        <p>The product of this is in the trash, too, and has to come back first.</p>
        <div className="actions"><button type="button" onClick={() => onOpen(trash_id)}>Look at the product</button></div>
      </div>
    )
  }
  return <p className="refusal" role="alert">{explain(error)}</p>
}
