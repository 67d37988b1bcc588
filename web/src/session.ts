import type { Session } from "@supabase/supabase-js"
import { useQueryClient } from "@tanstack/react-query"
import { useEffect, useRef, useState } from "react"
import { useClients } from "./clients.ts"

export type SessionState = {
  /** Undefined until it is known. */
  session: Session | null | undefined
  /** Whether there was one that ended by itself. */
  hasEnded: boolean
  /** Here, or wherever the account is signed in. */
  signOut: (from: "local" | "global") => Promise<void>
}

/** Who is signed in, followed through sign-ins, renewals and ends, in other tabs as well. */
export function useSessionState(): SessionState {
  const { supabase, api } = useClients()
  const queries = useQueryClient()
  const [session, setSession] = useState<Session | null>()
  const [hasEnded, setEnded] = useState(false)
  const isLeaving = useRef(false)
  const handedOver = useRef<string>(undefined)

  useEffect(() => {
    const { data } = supabase.auth.onAuthStateChange((event, next) => {
      setSession((before) => {
        // What one account has read is never shown to the next.
        if (before?.user.id !== next?.user.id && before !== undefined) queries.clear()
        return next
      })
      if (event === "SIGNED_OUT") setEnded(!isLeaving.current)
      if (event === "SIGNED_IN") setEnded(false)
      isLeaving.current = false
      const token = next?.provider_token
      if (event === "SIGNED_IN" && token && handedOver.current !== token) {
        handedOver.current = token
        const body = { token, refresh_token: next.provider_refresh_token ?? null }
        // Supabase forgets it with the next renewal. Not awaited here: the callback holds Supabase's lock.
        setTimeout(() => void api.PUT("/api/github/connection", { body }).catch(() => undefined), 0)
      }
    })
    return () => data.subscription.unsubscribe()
  }, [supabase, api, queries])

  async function signOut(from: "local" | "global"): Promise<void> {
    isLeaving.current = true
    await supabase.auth.signOut({ scope: from })
  }

  return { session, hasEnded, signOut }
}
