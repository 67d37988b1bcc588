import type { Actor } from "./actors.ts"
import { type Clients, type Schema, useClients } from "./clients.ts"
import type { Entity } from "./entities.ts"
import { usePages } from "./parts/Pages.tsx"

// How long the trash keeps what was deleted.
const KEPT_MILLISECONDS = 30 * 24 * 3600 * 1000

export type Line = Schema<"ActivityRead"> & {
  /** When its row was deleted, where that has not come back. */
  goneSince: string | undefined
}
export type Filters = { productId: string | undefined; entity: Entity | ""; actor: Actor | "" }

/** Whether what was deleted then can still be in the trash. */
export const isKept = (deletedAt: string): boolean => Date.now() - Date.parse(deletedAt) < KEPT_MILLISECONDS

/** The lines of history, the newest first, each with what has become of its row. */
export function useHistory({ productId, entity, actor }: Filters) {
  const clients = useClients()
  return usePages(["activity", productId, entity, actor], async (page, signal) => {
    const query = {
      ...page,
      ...(productId && { product_id: [productId] }),
      ...(entity && { entity: [entity] }),
      ...(actor && { actor: [actor] }),
    }
    const { data } = await clients.api.GET("/api/activity", { params: { query }, signal })
    if (!data) return undefined
    const gone = await findGone(clients, data.items, signal)
    return { ...data, items: data.items.map((line): Line => ({ ...line, goneSince: gone.get(line.entity_id) })) }
  })
}

/** Of the rows of these lines those that are not there any more, and since when. A link to them would lead nowhere. */
async function findGone({ supabase }: Clients, lines: Schema<"ActivityRead">[], signal: AbortSignal): Promise<Map<string, string>> {
  const ids = [...new Set(lines.map((line) => line.entity_id))]
  if (ids.length === 0) return new Map()
  const asked = supabase
    .from("activity")
    .select("entity_id, action, created_at")
    .in("entity_id", ids)
    .in("action", ["deleted", "restored"])
    .order("created_at")
    .order("id")
  const { data } = await asked.abortSignal(signal).throwOnError()
  // The last word on each counts.
  const last = new Map(data.map((line) => [line.entity_id, line]))
  return new Map([...last.values()].filter(({ action }) => action === "deleted").map((line) => [line.entity_id, line.created_at]))
}
