import {
  DndContext,
  type DragEndEvent,
  DragOverlay,
  KeyboardSensor,
  MouseSensor,
  TouchSensor,
  useDroppable,
  useSensor,
  useSensors,
} from "@dnd-kit/core"
import { useState } from "react"
import { useLocation } from "wouter"
import type { Row } from "../clients.ts"
import { Answer } from "../parts/Answer.tsx"
import { STATUS_NAMES } from "../problems.ts"
import { findColumn, STATUSES, type Status, stepByColumn } from "./board-moves.ts"
import { Card, CardFace } from "./Card.tsx"
import { PAGE, useBoard, useMove, type WorkItem } from "./work.ts"
import { WorkForm } from "./WorkForm.tsx"

/** The work of a product in three columns, and the item whose address this is. */
export function Board({ product, opened }: { product: Row<"products">; opened?: string }) {
  const [, go] = useLocation()
  const base = `/products/${product.id}`
  const [limit, setLimit] = useState(PAGE)
  const board = useBoard(product.id, limit)
  const move = useMove(product.id, limit)
  const [dragged, setDragged] = useState<WorkItem>()
  const [isAdding, setAdding] = useState(false)
  const sensors = useSensors(
    // A click stays a click, and a finger that scrolls scrolls.
    useSensor(MouseSensor, { activationConstraint: { distance: 6 } }),
    useSensor(TouchSensor, { activationConstraint: { delay: 200, tolerance: 8 } }),
    useSensor(KeyboardSensor, { coordinateGetter: stepByColumn }),
  )

  function drop({ active, over }: DragEndEvent): void {
    setDragged(undefined)
    const item = active.data.current as WorkItem
    if (over && over.id !== item.status) move.mutate({ item, to: over.id as Status })
  }

  return (
    <>
      <div className="page-head">
        <h2>Work</h2>
        <button type="button" className="primary" onClick={() => setAdding(true)}>New work item</button>
      </div>
      <Answer of={board}>
        {(columns) => (
          <DndContext
            sensors={sensors}
            collisionDetection={findColumn}
            onDragStart={({ active }) => setDragged(active.data.current as WorkItem)}
            onDragEnd={drop}
            onDragCancel={() => setDragged(undefined)}
            accessibility={{ announcements }}
          >
            <div className="board">
              {STATUSES.map((status) => (
                <Column key={status} status={status} count={columns[status].length} hasMore={columns[status].length >= limit}>
                  {columns[status].map((item) => (
                    <Card key={item.id} item={item} onOpen={() => go(`${base}/work/${item.id}`)} onMove={(to) => move.mutate({ item, to })} />
                  ))}
                </Column>
              ))}
            </div>
            {STATUSES.some((status) => columns[status].length >= limit) && (
              <button type="button" onClick={() => setLimit(limit + PAGE)}>Show more</button>
            )}
            <DragOverlay dropAnimation={null}>{dragged && <CardFace item={dragged} />}</DragOverlay>
          </DndContext>
        )}
      </Answer>
      {isAdding && <WorkForm productId={product.id} onClose={() => setAdding(false)} />}
      {opened && <WorkForm productId={product.id} id={opened} onClose={() => go(base)} />}
    </>
  )
}

function Column(props: { status: Status; count: number; hasMore: boolean; children: React.ReactNode[] }) {
  const { setNodeRef, isOver } = useDroppable({ id: props.status })
  const name = STATUS_NAMES[props.status]
  return (
    <section ref={setNodeRef} className={isOver ? "column over" : "column"} aria-label={name}>
      <h3>{name} <span className="count">{props.count}{props.hasMore && "+"}</span></h3>
      {props.children.length > 0 ? <ul>{props.children}</ul> : <p className="empty">{EMPTY[props.status]}</p>}
    </section>
  )
}

const EMPTY: Record<Status, string> = {
  todo: "What is to be done comes here first.",
  in_progress: "Drag here what you begin, or press Start on it.",
  done: "Finished work gathers here.",
}

const titleOf = (data: { current?: unknown }): string => (data.current as WorkItem | undefined)?.title ?? ""
const columnOf = (over: { id: string | number } | null): string => (over ? (STATUS_NAMES[over.id] ?? "") : "no column")
const announcements = {
  onDragStart: ({ active }: { active: { data: { current?: unknown } } }) => `Picked up ${titleOf(active.data)}.`,
  onDragOver: ({ active, over }: Moved) => `${titleOf(active.data)} is over ${columnOf(over)}.`,
  onDragEnd: ({ active, over }: Moved) => `${titleOf(active.data)} was dropped on ${columnOf(over)}.`,
  onDragCancel: ({ active }: { active: { data: { current?: unknown } } }) => `${titleOf(active.data)} stays where it was.`,
}
type Moved = { active: { data: { current?: unknown } }; over: { id: string | number } | null }
