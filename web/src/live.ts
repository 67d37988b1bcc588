import type { RealtimeChannel } from "@supabase/supabase-js"
import { type QueryClient, useQueryClient } from "@tanstack/react-query"
import { useEffect } from "react"
import { useClients } from "./clients.ts"

/** What the database sends: that a row has changed, and no value of it. Nulls where there was too much to say each. */
type Change = { entity: string | null; entity_id: string | null; action: string }

/** Changes that come one after the other are read at once. */
const TOGETHER_MILLISECONDS = 250
/** A project that has not answered until then counts as one without Realtime. */
const PATIENCE_MILLISECONDS = 30_000

/** Where rows of an entity are shown, by the first part of their queries' keys. */
const SHOWN_BY: Record<string, string> = {
  repositories: "repositories",
  work_items: "work",
  documents: "documents",
  app_info: "app_info",
}
/** What counts or tells of rows of every entity. */
const SHOWN_ANYWAY = [["products"], ["work", "resume"], ["activity"], ["trash"]]

/**
 * Reads again what another tab, device or agent has changed, as soon as it has.
 *
 * Where the project has no Realtime nothing is tried or said: what is shown is read again when the window is looked at.
 */
export function useLiveChanges(userId: string | undefined): void {
  const { config, supabase } = useClients()
  const queries = useQueryClient()
  useEffect(() => {
    if (!config.realtime || userId === undefined) return
    const reader = new Reader(queries)
    let channel: RealtimeChannel | undefined
    let isOver = false
    let hasJoined = false
    const patience = setTimeout(() => hasJoined || leave(), PATIENCE_MILLISECONDS)

    function leave(): void {
      isOver = true
      clearTimeout(patience)
      reader.stop()
      if (channel) void supabase.removeChannel(channel)
    }

    // The topic is private: who joins it before the token is known is refused.
    void supabase.realtime.setAuth().then(() => {
      if (isOver) return
      channel = supabase
        .channel(`user:${userId}`, { config: { private: true } })
        .on("broadcast", { event: "changed" }, ({ payload }) => reader.add((payload as Change).entity))
        .subscribe((status) => {
          if (status !== "SUBSCRIBED") return
          // What happened while the connection was down was sent to nobody.
          if (hasJoined) reader.add(null)
          hasJoined = true
        })
    })
    return leave
  }, [config.realtime, userId, supabase, queries])
}

class Reader {
  private readonly changed = new Set<string | null>()
  private timer: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly queries: QueryClient) {}

  /** Notes that something of an entity has changed; null for anything. */
  add(entity: string | null): void {
    this.changed.add(entity)
    this.timer ??= setTimeout(() => this.read(), TOGETHER_MILLISECONDS)
  }

  stop(): void {
    clearTimeout(this.timer)
  }

  private read(): void {
    this.timer = undefined
    // What this page is about to change stays as it is shown until that has succeeded or failed.
    if (this.queries.isMutating() > 0) {
      this.timer = setTimeout(() => this.read(), TOGETHER_MILLISECONDS)
      return
    }
    const changed = [...this.changed]
    this.changed.clear()
    if (changed.includes(null)) {
      void this.queries.invalidateQueries()
      return
    }
    const keys = changed.flatMap((entity) => SHOWN_BY[entity ?? ""] ?? []).map((key) => [key])
    for (const queryKey of [...SHOWN_ANYWAY, ...keys]) void this.queries.invalidateQueries({ queryKey })
  }
}
