import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query"
import { useRef } from "react"
import { type Row, useClients } from "../clients.ts"
import { useSay } from "../parts/notices.tsx"
import { Conflict, explain, Gone } from "../problems.ts"
import { changeRow } from "../rows.ts"
import { STATUSES, type Status } from "./board-moves.ts"

// Without the description, which can be long and is not shown.
const COLUMNS = "id, product_id, repository_id, title, type, status, priority, version, created_at"

export type WorkItem = Pick<
  Row<"work_items">,
  "id" | "product_id" | "repository_id" | "title" | "type" | "priority" | "version" | "created_at"
> & { status: Status }
export type Columns = Record<Status, WorkItem[]>

/** How many items of each column come at once. */
export const PAGE = 50

/** Each column the urgent items first and the newest among equals; of what is done the newest come. */
export function useBoard(productId: string, limit: number) {
  const { supabase } = useClients()
  return useQuery({
    queryKey: ["work", productId, limit],
    queryFn: async ({ signal }): Promise<Columns> => {
      const asked = STATUSES.map((status) => {
        const items = supabase.from("work_items").select(COLUMNS).match({ product_id: productId, status })
        // Else the oldest of a long column would not come, however urgent. What is done is urgent no more, and the most by far.
        const sorted = status === "done" ? items : items.order("urgency")
        return sorted
          .order("created_at", { ascending: false })
          .order("id", { ascending: false })
          .limit(limit)
          .abortSignal(signal)
          .throwOnError()
      })
      const answers = await Promise.all(asked)
      const of = (index: number): WorkItem[] => arrange((answers[index]?.data ?? []) as WorkItem[])
      return { todo: of(0), in_progress: of(1), done: of(2) }
    },
  })
}

/** Urgent first and what has no priority last, the newest first among equals. */
function arrange(items: WorkItem[]): WorkItem[] {
  const rank = ({ priority }: WorkItem): number => (priority === 0 ? Number.POSITIVE_INFINITY : priority)
  return items.toSorted((one, other) => {
    const byPriority = rank(one) === rank(other) ? 0 : rank(one) - rank(other)
    return byPriority || other.created_at.localeCompare(one.created_at)
  })
}

/** Moves a card at once, and takes it back with a reason where the database refuses. */
export function useMove(productId: string, limit: number) {
  const { supabase } = useClients()
  const queries = useQueryClient()
  const say = useSay()
  const key = ["work", productId, limit]
  const written = useRef(new Map<string, number>())
  return useMutation({
    // One after the other: whoever presses Start and Finish in quick succession means both.
    scope: { id: "work" },
    mutationFn: ({ item, to }: { item: WorkItem; to: Status }) => {
      // The card may not know yet which version this page's own last move has made.
      const version = Math.max(item.version, written.current.get(item.id) ?? 0)
      return changeRow(supabase, "work_items", { ...item, version }, { status: to })
    },
    onSuccess: ({ id, version }) => void written.current.set(id, version),
    onMutate: async ({ item, to }) => {
      await queries.cancelQueries({ queryKey: ["work", productId] })
      const before = queries.getQueryData<Columns>(key)
      queries.setQueryData<Columns>(key, (columns) => columns && moved(columns, item, to))
      return { before }
    },
    onError: (error, { item }, context) => {
      queries.setQueryData(key, context?.before)
      if (error instanceof Conflict) say(`“${item.title}” was changed elsewhere meanwhile. This is how it stands now.`, true)
      else if (error instanceof Gone) say(`“${item.title}” was deleted elsewhere meanwhile.`, true)
      else say(`“${item.title}” stays where it is. ${explain(error)}`, true)
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["work"] }),
  })
}

function moved(columns: Columns, item: WorkItem, to: Status): Columns {
  return {
    ...columns,
    [item.status]: columns[item.status].filter(({ id }) => id !== item.id),
    [to]: arrange([...columns[to], { ...item, status: to }]),
  }
}
