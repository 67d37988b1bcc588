import { useDraggable } from "@dnd-kit/core"
import { NEXT_STEP, type Status } from "./board-moves.ts"
import type { WorkItem } from "./work.ts"

export const PRIORITIES = ["No priority", "Urgent", "High", "Medium", "Low"]

/** A work item on the board. The mouse drags all of it, the keyboard its handle. */
export function Card(props: { item: WorkItem; onOpen: () => void; onMove: (to: Status) => void }) {
  const { item, onOpen, onMove } = props
  const drag = useDraggable({ id: item.id, data: item })
  const step = NEXT_STEP[item.status]
  // The card itself is no button: it has buttons in it.
  const { onKeyDown, ...pointers } = drag.listeners ?? {}
  return (
    <li ref={drag.setNodeRef} className={drag.isDragging ? "work dragging" : "work"} {...pointers}>
      <div className="work-head">
        <button type="button" className="title" onClick={onOpen}>{item.title}</button>
        <button
          type="button"
          ref={drag.setActivatorNodeRef}
          className="handle"
          aria-label={`Move ${item.title}`}
          aria-describedby={drag.attributes["aria-describedby"]}
          onKeyDown={onKeyDown as React.KeyboardEventHandler}
        >
          ⠿
        </button>
      </div>
      <div className="work-foot">
        <Facts item={item} />
        <button type="button" className="quiet" onClick={() => onMove(step.to)} aria-label={`${step.name}: ${item.title}`}>{step.name}</button>
      </div>
    </li>
  )
}

/** What hangs at the pointer while a card is dragged. */
export function CardFace({ item }: { item: WorkItem }) {
  return (
    <div className="work lifted">
      <div className="work-head"><span className="title">{item.title}</span></div>
      <div className="work-foot"><Facts item={item} /></div>
    </div>
  )
}

function Facts({ item }: { item: WorkItem }) {
  return (
    <span className="facts">
      {item.priority > 0 && <span className={`priority p${item.priority}`}>{PRIORITIES[item.priority]}</span>}
      <span>{item.type}</span>
    </span>
  )
}
