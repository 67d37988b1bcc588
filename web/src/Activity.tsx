import { useState } from "react"
import { Link } from "wouter"
import { type Actor, ACTORS } from "./actors.ts"
import { ENTITIES, type Entity, placeOf } from "./entities.ts"
import { isKept, type Line, useHistory } from "./history.ts"
import { Answer } from "./parts/Answer.tsx"
import { Field } from "./parts/Field.tsx"
import { ShowMore } from "./parts/Pages.tsx"
import { formatTime } from "./parts/times.ts"
import { useTitle } from "./parts/title.ts"

/** What was changed in all products, and by whom. */
export function Activity() {
  useTitle("Activity")
  return (
    <>
      <div className="page-head"><h1>Activity</h1></div>
      <History />
    </>
  )
}

/** The lines of history, of one product or of all. */
export function History({ productId }: { productId?: string }) {
  const [entity, setEntity] = useState<Entity | "">("")
  const [actor, setActor] = useState<Actor | "">("")
  const lines = useHistory({ productId, entity, actor })
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
          <select value={actor} onChange={(event) => setActor(event.target.value as Actor | "")}>
            <option value="">Everybody</option>
            {Object.entries(ACTORS).map(([id, name]) => <option key={id} value={id}>{startSentence(name)}</option>)}
          </select>
        </Field>
      </div>
      <Answer of={lines}>
        {(rows) =>
          rows.length === 0 ? (
            <p className="empty">
              {entity || actor
                ? "No change is like this."
                : "Each change leaves a line here: yours, those of access tokens, and those that the re-sync brings from GitHub."}
            </p>
          ) : (
            <ul className="list">{rows.map((line) => <HistoryLine key={line.id} line={line} />)}</ul>
          )
        }
      </Answer>
      <ShowMore of={lines} />
    </>
  )
}

const startSentence = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1)

function HistoryLine({ line }: { line: Line }) {
  const { goneSince, summary } = line
  const place = placeOf({ entity: line.entity, id: line.entity_id, product_id: line.product_id })
  return (
    <li>
      <div>
        {goneSince ? summary : <Link href={place} className="plain">{summary}</Link>}
        <small>
          by {ACTORS[line.actor]} · <time dateTime={line.created_at}>{formatTime(line.created_at)}</time>
          {goneSince && isKept(goneSince) && <> · <Link href="/trash">look in the trash</Link></>}
        </small>
      </div>
    </li>
  )
}
