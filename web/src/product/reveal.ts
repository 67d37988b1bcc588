import { useMutation } from "@tanstack/react-query"
import { useEffect, useState } from "react"
import { useClients } from "../clients.ts"
import { useSay } from "../parts/notices.tsx"
import { explain } from "../problems.ts"
import type { Environment } from "./environments.ts"

// Long enough to copy it, short enough for whoever leaves the desk.
const SHOWN_MILLISECONDS = 30_000

/** A secret's value, for as long as it is shown: undefined while it is masked. */
export type Revealed = {
  value: string | null | undefined
  isPending: boolean
  reveal: () => void
  hide: () => void
}

/** Shows a secret's value by the function that records who has seen it, and hides it again after a while. */
export function useReveal(entryId: string, environment?: Environment): Revealed {
  const { api } = useClients()
  const say = useSay()
  const [value, setValue] = useState<string | null>()
  const reveal = useMutation({
    // Not kept with the answers of queries: nothing but this entry holds the value.
    gcTime: 0,
    mutationFn: async () => {
      const params = { path: { app_info_id: entryId }, query: { ...(environment && { environment }) } }
      const { data } = await api.POST("/api/app-info/{app_info_id}/reveal", { params })
      return data?.value ?? null
    },
    onSuccess: setValue,
    onError: (error) => say(explain(error), true),
  })
  useEffect(() => {
    if (value === undefined) return undefined
    const timer = setTimeout(hide, SHOWN_MILLISECONDS)
    return () => clearTimeout(timer)
  }, [value])

  function hide(): void {
    setValue(undefined)
    reveal.reset()
  }
  return { value, isPending: reveal.isPending, reveal: reveal.mutate, hide }
}
