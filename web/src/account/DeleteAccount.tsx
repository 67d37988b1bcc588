import type { User } from "@supabase/supabase-js"
import { useMutation } from "@tanstack/react-query"
import { type FormEvent, useState } from "react"
import { useClients } from "../clients.ts"
import { useGithubSignIn } from "../github-sign-in.ts"
import { Dialog } from "../parts/Dialog.tsx"
import { Field } from "../parts/Field.tsx"
import { useSay } from "../parts/notices.tsx"
import { asksForSignIn, explain } from "../problems.ts"
import type { SessionState } from "../session.ts"
import { providersOf } from "./Account.tsx"

type Props = { user: User; signOut: SessionState["signOut"] }

/** The end of the account, which nothing brings back. */
export function DeleteAccount({ user, signOut }: Props) {
  const [isOpen, setOpen] = useState(false)
  return (
    <section className="panel" aria-labelledby="delete">
      <h2 id="delete">Delete the account</h2>
      <p className="muted">
        Everything goes, for good: products, work, documents, app info with its secrets, history and trash. Nothing changes at
        GitHub. Keep what you need first: <code>forum export DIRECTORY --secrets</code> writes all of it into files.
      </p>
      <div className="actions"><button type="button" className="danger" onClick={() => setOpen(true)}>Delete the account…</button></div>
      {isOpen && <Deletion user={user} signOut={signOut} onClose={() => setOpen(false)} />}
    </section>
  )
}

function Deletion({ user, signOut, onClose }: Props & { onClose: () => void }) {
  const { api } = useClients()
  const say = useSay()
  const name = user.email ?? user.id
  const [typed, setTyped] = useState("")
  const remove = useMutation({
    mutationFn: async () => void (await api.DELETE("/api/account", { body: { confirm: typed } })),
    onSuccess: async () => {
      await signOut("local")
      say("The account is deleted.")
    },
  })
  const isRight = typed.toLowerCase() === name.toLowerCase()
  return (
    <Dialog title="Delete the account?" onClose={onClose}>
      {asksForSignIn(remove.error) ? (
        <SignInAgain user={user} onSignedIn={() => remove.mutate()} />
      ) : (
        <form onSubmit={(event) => { event.preventDefault(); remove.mutate() }}>
          <p>Nothing brings it back, the trash neither. Access tokens are dead at once.</p>
          <Field label={`Type ${name} to confirm`}>
            <input required autoComplete="off" autoCapitalize="none" spellCheck={false} value={typed} onChange={(event) => setTyped(event.target.value)} />
          </Field>
          {remove.error && <p className="refusal" role="alert">{explain(remove.error)}</p>}
          <div className="actions">
            <button type="button" onClick={onClose}>Cancel</button>
            <button type="submit" className="danger" disabled={!isRight || remove.isPending}>Delete everything</button>
          </div>
        </form>
      )}
    </Dialog>
  )
}

/** Asks who is there, where the sign-in is too long ago for what cannot be taken back. */
function SignInAgain({ user, onSignedIn }: { user: User; onSignedIn: () => void }) {
  const { supabase } = useClients()
  const [password, setPassword] = useState("")
  const github = useGithubSignIn()
  const enter = useMutation({
    gcTime: 0,
    mutationFn: async () => {
      const { error } = await supabase.auth.signInWithPassword({ email: user.email ?? "", password })
      if (error) throw error
    },
    onSuccess: onSignedIn,
  })
  function submit(event: FormEvent): void {
    event.preventDefault()
    enter.mutate()
  }
  const ways = providersOf(user)
  const error = enter.error ?? github.error
  return (
    <form onSubmit={submit}>
      <p>You have been signed in for a while, and a device that is left open could do this. Sign in once more; then the account is deleted.</p>
      {ways.includes("email") && (
        <Field label="Password">
          <input type="password" autoComplete="current-password" required value={password} onChange={(event) => setPassword(event.target.value)} />
        </Field>
      )}
      {error && <p className="refusal" role="alert">{explain(error)}</p>}
      <div className="actions">
        {ways.includes("github") && <button type="button" disabled={github.isPending} onClick={() => github.mutate()}>Continue with GitHub, and come back here</button>}
        {ways.includes("email") && <button type="submit" className="danger" disabled={enter.isPending}>Sign in and delete everything</button>}
      </div>
    </form>
  )
}
