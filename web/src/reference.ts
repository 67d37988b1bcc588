import { useEffect } from "react"
import { useClients } from "./clients.ts"

/** Tells the API's reference, where this page has opened it, as whom to try calls (functions/reference/start.js). */
export function useReferenceToken(): void {
  const { config, supabase } = useClients()
  useEffect(() => {
    const { origin } = new URL(config.apiUrl)
    async function answer(event: MessageEvent): Promise<void> {
      if (event.origin !== origin || event.data !== "forum:token" || !event.source) return
      const { data } = await supabase.auth.getSession()
      if (data.session) event.source.postMessage({ token: data.session.access_token }, { targetOrigin: origin })
    }
    const listen = (event: MessageEvent): void => void answer(event)
    window.addEventListener("message", listen)
    return () => window.removeEventListener("message", listen)
  }, [config.apiUrl, supabase])
}
