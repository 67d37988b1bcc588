import { useInfiniteQuery } from "@tanstack/react-query"
import { useState } from "react"
import { Link } from "wouter"
import { type Schema, useClients } from "./clients.ts"
import { ENTITIES, type Entity, placeOf } from "./entities.ts"
import { Answer } from "./parts/Answer.tsx"
import { Field } from "./parts/Field.tsx"
import { formatTime } from "./parts/times.ts"

type Line = Schema<"ActivityRead">
const ACTORS: Record<Line["actor"], string> = { person: "You", token: "An access token", sync: "The re-sync", system: "Forum" }
const PAGE = 50

/** What was changed in all products, and by whom. */
export function Activity() {
  return (
    <>
      <div className="page-head"><h1>Activity</h1></div>
      <History />
    </>
  )
}

/** The lines of history, of one product or of all. */
export function History({ productId }: { productId?: string }) {
  const { api } = useClients()
  const [entity, setEntity] = useState<Entity | "">("")
  const [actor, setActor] = useState<Line["actor"] | "">("")
  const lines = useInfiniteQuery({
    queryKey: ["activity", productId, entity, actor],
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam, signal }) => {
      const query = {
        limit: PAGE,
        ...(productId && { product_id: [productId] }),
        ...(entity && { entity: [entity] }),
        ...(actor && { actor: [actor] }),
        ...(pageParam && { cursor: pageParam }),
      }
      const { data } = await api.GET("/api/activity", { params: { query }, signal })
      return { items: data?.items ?? [], next: data?.next_cursor ?? undefined }
    },
    getNextPageParam: (last) => last.next,
    select: ({ pages }) => pages.flatMap(({ items }) => items),
  })
  return (
    <>
      <div className="row filters">
        <Field label="What">
          <select value={entity} onChange={(event) => setEntity(event.target.value as Entity | "")}>
            <option value="">Everything</option>
            {Object.entries(ENTITIES).map(([id, name]) => <option key={id} value={id}>{name}</option>)}
          </select>
        </Field>
        <Field label="By whom">
          <select value={actor} onChange={(event) => setActor(event.target.value as Line["actor"] | "")}>
            <option value="">Everybody</option>
            {Object.entries(ACTORS).map(([id, name]) => <option key={id} value={id}>{name}</option>)}
          </select>
        </Field>
      </div>
      <Answer of={lines}>
        {(rows) =>
          rows.length === 0 ? (
            <p className="empty">Each change leaves a line here: yours, those of access tokens, and those that the re-sync brings from GitHub.</p>
          ) : (
            <ul className="list">{rows.map((line) => <HistoryLine key={line.id} line={line} />)}</ul>
          )
        }
      </Answer>
      {lines.hasNextPage && (
        <div className="actions more"><button type="button" disabled={lines.isFetchingNextPage} onClick={() => void lines.fetchNextPage()}>Show more</button></div>
      )}
    </>
  )
}

function HistoryLine({ line }: { line: Line }) {
  const place = placeOf({ entity: line.entity, id: line.entity_id, product_id: line.product_id })
  return (
    <li>
      <div>
        {/* What is gone has no place any more. */}
        {line.action === "deleted" ? line.summary : <Link href={place} className="plain">{line.summary}</Link>}
        <small>{ACTORS[line.actor]} · <time dateTime={line.created_at}>{formatTime(line.created_at)}</time></small>
      </div>
    </li>
  )
}
