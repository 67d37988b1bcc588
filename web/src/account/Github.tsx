import type { User } from "@supabase/supabase-js"
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query"
import { useState } from "react"
import { type Schema, useClients } from "../clients.ts"
import { useGithubSignIn } from "../github-sign-in.ts"
import { Answer } from "../parts/Answer.tsx"
import { ConnectGithub } from "../parts/ConnectGithub.tsx"
import { Confirm, Dialog } from "../parts/Dialog.tsx"
import { useSay } from "../parts/notices.tsx"
import { formatTime } from "../parts/times.ts"
import { explain, Problem } from "../problems.ts"
import { describeRunError } from "../run-errors.ts"
import { providersOf } from "./Account.tsx"

type Connection = Schema<"ConnectionRead">
const KINDS: Record<Connection["token_kind"], string> = {
  oauth: "of an OAuth app",
  app_user: "of a GitHub App",
  classic_pat: "a classic personal one",
  fine_grained_pat: "a fine-grained personal one",
  other: "of another kind",
}
const KEY = ["github", "connection"]

const isPast = (time: string): boolean => Date.parse(time) <= Date.now()

/** The GitHub account whose token Forum keeps for imports and re-syncs. */
export function Github({ user }: { user: User }) {
  const { api } = useClients()
  const connection = useQuery({
    queryKey: KEY,
    queryFn: async ({ signal }) => {
      try {
        return (await api.GET("/api/github/connection", { signal })).data ?? null
      } catch (error) {
        if (error instanceof Problem && error.status === 404) return null
        throw error
      }
    },
  })
  return (
    <section className="panel" aria-labelledby="github">
      <h2 id="github">GitHub</h2>
      <Answer of={connection}>{(found) => (found ? <Connected connection={found} user={user} /> : <Unconnected user={user} />)}</Answer>
    </section>
  )
}

function Connected({ connection, user }: { connection: Connection; user: User }) {
  const { api } = useClients()
  const queries = useQueryClient()
  const say = useSay()
  const [isLeaving, setLeaving] = useState(false)
  const disconnect = useMutation({
    mutationFn: () => api.DELETE("/api/github/connection"),
    onError: (error) => say(explain(error), true),
    onSettled: () => {
      setLeaving(false)
      return queries.invalidateQueries({ queryKey: ["github"] })
    },
  })
  const isRefused = connection.state === "needs_reauth"
  return (
    <>
      {isRefused && <p className="refusal">GitHub refuses this token. Imports and re-syncs wait until you connect again.</p>}
      <dl>
        <dt>Account</dt><dd>{connection.github_login}</dd>
        <dt>Token</dt><dd>{KINDS[connection.token_kind]}{connection.scopes.length > 0 && `, for ${connection.scopes.join(", ")}`}</dd>
        {connection.token_expires_at && <><dt>Ends</dt><dd>{formatTime(connection.token_expires_at)}</dd></>}
        <dt>Last re-sync</dt><dd>{connection.last_sync_at ? formatTime(connection.last_sync_at) : "none yet"}</dd>
        {connection.last_error && <><dt>It said</dt><dd>{describeRunError(connection.last_error)}</dd></>}
        {connection.paused_until && <><dt>Waits until</dt><dd>{formatTime(connection.paused_until)}, as GitHub asks</dd></>}
        {connection.next_sync_at && !isRefused && <><dt>Next re-sync</dt><dd>{isPast(connection.next_sync_at) ? "with the next round" : formatTime(connection.next_sync_at)}</dd></>}
      </dl>
      <div className="actions">
        <Connect user={user} action={isRefused ? "Connect again" : "Use another token"} />
        <button type="button" onClick={() => setLeaving(true)}>Disconnect</button>
      </div>
      {isLeaving && (
        <Confirm title="Disconnect GitHub?" action="Disconnect" onConfirm={() => disconnect.mutate()} onClose={() => setLeaving(false)}>
          Forum forgets the token. What was imported stays and is not kept up to date any more.
        </Confirm>
      )}
    </>
  )
}

function Unconnected({ user }: { user: User }) {
  return (
    <>
      <p className="muted">Not connected. With a token of yours Forum imports repositories and keeps them up to date.</p>
      <div className="actions"><Connect user={user} action="Connect" /></div>
    </>
  )
}

/** By GitHub's own page where the account signs in there, and by a token for everybody. */
function Connect({ user, action }: { user: User; action: string }) {
  const queries = useQueryClient()
  const github = useGithubSignIn()
  const say = useSay()
  const [isOpen, setOpen] = useState(false)
  function connected(): void {
    setOpen(false)
    say("GitHub is connected.")
    void queries.invalidateQueries({ queryKey: ["github"] })
  }
  return (
    <>
      {providersOf(user).includes("github") && (
        <button type="button" disabled={github.isPending} onClick={() => github.mutate(undefined, { onError: (error) => say(explain(error), true) })}>
          Continue with GitHub
        </button>
      )}
      <button type="button" onClick={() => setOpen(true)}>{action}</button>
      {isOpen && <Dialog title="Connect GitHub" onClose={() => setOpen(false)}><ConnectGithub onConnected={connected} /></Dialog>}
    </>
  )
}
