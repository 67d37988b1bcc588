import { closestCenter, type CollisionDetection, type KeyboardCoordinateGetter, pointerWithin } from "@dnd-kit/core"

export const STATUSES = ["todo", "in_progress", "done"] as const
export type Status = (typeof STATUSES)[number]

/** What a card offers as its next step. The database decides, by the same table (220_work_items.sql). */
export const NEXT_STEP: Record<Status, { to: Status; name: string }> = {
  todo: { to: "in_progress", name: "Start" },
  in_progress: { to: "done", name: "Finish" },
  done: { to: "todo", name: "Reopen" },
}

const STEPS: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }
const INSET = 8

/** With the keyboard a card goes from column to column, not by pixels. */
export const stepByColumn: KeyboardCoordinateGetter = (event, { context }) => {
  const step = STEPS[event.code]
  if (step === undefined) return undefined
  event.preventDefault()
  const here = context.over?.id ?? context.active?.data.current?.status
  const next = STATUSES[STATUSES.indexOf(here as Status) + step]
  const column = next && context.droppableRects.get(next)
  return column && { x: column.left + INSET, y: column.top + INSET }
}

/** The column below the pointer; with the keyboard there is none, and the nearest one counts. */
export const findColumn: CollisionDetection = (found) => {
  const below = pointerWithin(found)
  return below.length > 0 || found.pointerCoordinates ? below : closestCenter(found)
}
