import { useQuery, useQueryClient } from "@tanstack/react-query"
import { useEffect, useRef } from "react"
import { type Row, useClients } from "../clients.ts"

// Without the results, which are up to ten thousand.
const COLUMNS = "id, product_id, trigger, state, total, done, counts, error, flags, created_at, ended_at"
const SHOWN = 10
const POLL_MILLISECONDS = 1500

export type Run = Pick<
  Row<"github_runs">,
  "id" | "product_id" | "trigger" | "state" | "total" | "done" | "error" | "flags" | "created_at" | "ended_at"
> & { counts: Record<string, number> }

export const isOpen = (run: Run): boolean => run.ended_at === null

/** The newest re-syncs, and the newest imports into a product. Asks again while one is under way. */
export function useRuns(productId: string) {
  const { supabase } = useClients()
  const queries = useQueryClient()
  const runs = useQuery({
    queryKey: ["runs", productId],
    queryFn: async ({ signal }): Promise<Run[]> => {
      const asked = supabase
        .from("github_runs")
        .select(COLUMNS)
        .or(`product_id.eq.${productId},trigger.neq.import`)
        .order("created_at", { ascending: false })
        .order("id", { ascending: false })
        .limit(SHOWN)
      return (await asked.abortSignal(signal).throwOnError()).data as Run[]
    },
    refetchInterval: ({ state }) => (state.data?.some(isOpen) ? POLL_MILLISECONDS : false),
  })
  const progress = runs.data?.map((run) => `${run.id} ${run.state} ${run.done}`).join()
  const shown = useRef<string>(undefined)
  useEffect(() => {
    // Each step of a run changes repositories, and its end says which were not found.
    if (shown.current !== undefined && shown.current !== progress) {
      void queries.invalidateQueries({ queryKey: ["repositories"] })
    }
    shown.current = progress
  }, [progress, queries])
  return runs
}
