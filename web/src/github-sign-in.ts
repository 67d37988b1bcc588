import { useMutation } from "@tanstack/react-query"
import { useClients } from "./clients.ts"

// What importing private repositories takes of an OAuth App. A GitHub App has its permissions written down at GitHub.
const SCOPES = "repo read:org"

/** Leads to GitHub and back to where one was, signed in. Supabase hands over GitHub's token then (session.ts). */
export function useGithubSignIn() {
  const { supabase } = useClients()
  return useMutation({
    mutationFn: async () => {
      const options = { redirectTo: window.location.href, scopes: SCOPES }
      const { error } = await supabase.auth.signInWithOAuth({ provider: "github", options })
      if (error) throw error
    },
  })
}
