import { useMutation } from "@tanstack/react-query"
import { type FormEvent, useState } from "react"
import { useClients } from "../clients.ts"
import { Field } from "./Field.tsx"
import { explain, Problem } from "../problems.ts"

// What is answered where there is no token, or one that GitHub refuses or that may not read what is asked for.
const TOKEN_PROBLEMS = new Set(
  ["not-connected", "token-rejected", "token-expired", "needs-reauth", "contents-permission"].map((name) => `urn:forum:problem:github-${name}`),
)

/** Whether another GitHub token is what helps. */
export const needsGithubToken = (error: unknown): boolean => error instanceof Problem && TOKEN_PROBLEMS.has(error.type)

/** Takes a GitHub token, for whoever signed in by a password. It is sealed before it reaches the database. */
export function ConnectGithub({ onConnected }: { onConnected: () => void }) {
  const { api } = useClients()
  const [token, setToken] = useState("")
  const connect = useMutation({
    gcTime: 0,
    mutationFn: () => api.PUT("/api/github/connection", { body: { token } }),
    onSuccess: onConnected,
  })
  function submit(event: FormEvent): void {
    event.preventDefault()
    connect.mutate()
  }
  return (
    <form onSubmit={submit}>
      <p>Forum needs a token of yours to read GitHub. Whoever signs in with GitHub has handed one over already.</p>
      <Field label="GitHub token" help="github.com/settings/tokens: to read the repositories that you want here">
        <input type="password" autoComplete="off" required value={token} onChange={(event) => setToken(event.target.value)} />
      </Field>
      {connect.error && <p className="refusal" role="alert">{explain(connect.error)}</p>}
      <div className="actions"><button type="submit" className="primary" disabled={connect.isPending}>Connect</button></div>
    </form>
  )
}
