import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query"
import type { Schema } from "../clients.ts"
import { useClients } from "../clients.ts"
import { useSay } from "../parts/notices.tsx"
import { explain } from "../problems.ts"

export type Decision = Schema<"MissingDecision">["decision"]
type Known = { github_id: number | null; sync_state: string | null; missing_decision: string | null }

// Why a re-sync has left one that it did not find as it was (functions/sync_worker/observing.py).
const DISBELIEVED = ["mass_disappearance", "truncated"]
const MISSING = ["inaccessible", "gone"]

/** The repositories that the newest re-sync has not found and has not believed missing, by GitHub's ids. */
export function useFlagged() {
  const { supabase } = useClients()
  return useQuery({
    queryKey: ["repositories", "flagged"],
    queryFn: async (): Promise<number[]> => {
      const { data: newest } = await supabase
        .from("github_runs")
        .select("id, flags")
        .neq("trigger", "import")
        .not("ended_at", "is", null)
        .or("error.is.null,flags.cs.{mass_disappearance}")
        .order("created_at", { ascending: false })
        .order("id", { ascending: false })
        .limit(1)
        .maybeSingle()
        .throwOnError()
      if (!newest?.flags.some((flag) => DISBELIEVED.includes(flag))) return []
      const { data: run } = await supabase.from("github_runs").select("results").eq("id", newest.id).single().throwOnError()
      const results = run.results as { github_id: number; outcome: string; reason: string | null }[]
      const isFlagged = ({ outcome, reason }: (typeof results)[number]): boolean =>
        outcome === "skipped" && DISBELIEVED.includes(reason ?? "")
      return results.filter(isFlagged).map((result) => result.github_id)
    },
  })
}

/** Whether its owner has to say what becomes of it. */
export function awaitsDecision(row: Known, flagged: number[]): boolean {
  if (row.github_id === null || row.missing_decision !== null) return false
  return MISSING.includes(row.sync_state ?? "") || flagged.includes(row.github_id)
}

export function useDecide() {
  const { api } = useClients()
  const queries = useQueryClient()
  const say = useSay()
  return useMutation({
    mutationFn: (body: { decision: Decision; github_ids: number[] }) => api.POST("/api/github/missing", { body }),
    onError: (error) => say(explain(error), true),
    onSettled: () => queries.invalidateQueries({ queryKey: ["repositories"] }),
  })
}
