import { useMutation } from "@tanstack/react-query"
import { type FormEvent, useState } from "react"
import { useClients } from "./clients.ts"
import { useGithubSignIn } from "./github-sign-in.ts"
import { Field } from "./parts/Field.tsx"
import { useTitle } from "./parts/title.ts"
import { explain } from "./problems.ts"

export function SignIn({ hasEnded }: { hasEnded: boolean }) {
  useTitle("Sign in")
  const { config, supabase } = useClients()
  const [isNew, setNew] = useState(false)
  const [email, setEmail] = useState("")
  const [password, setPassword] = useState("")
  const [said, setSaid] = useState("")

  const enter = useMutation({
    mutationFn: async (who: { email: string; password: string; isNew: boolean }) => {
      const credentials = { email: who.email, password: who.password }
      const { data, error } = who.isNew
        ? await supabase.auth.signUp({ ...credentials, options: { emailRedirectTo: window.location.href } })
        : await supabase.auth.signInWithPassword(credentials)
      if (error) throw error
      if (!data.session) setSaid("We have sent you a mail: open the link in it, and you are in.")
    },
  })
  const github = useGithubSignIn()

  function submit(event: FormEvent): void {
    event.preventDefault()
    enter.mutate({ email, password, isNew })
  }

  const error = enter.error ?? github.error
  return (
    <main className="sign-in">
      <h1><img src="/icon.svg" alt="" width="32" height="32" />Forum</h1>
      <p>What state your products are in, what was next, and where the key is.</p>
      {hasEnded && <p className="notice" role="status">Your session has ended. Sign in, and you are back where you were.</p>}
      <form onSubmit={submit}>
        <Field label="E-mail">
          <input type="email" autoComplete="username" required value={email} onChange={(event) => setEmail(event.target.value)} />
        </Field>
        <Field label="Password">
          <input
            type="password"
            autoComplete={isNew ? "new-password" : "current-password"}
            required
            minLength={6}
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        </Field>
        {error && <p className="refusal" role="alert">{explain(error)}</p>}
        {said && <p role="status">{said}</p>}
        <button type="submit" className="primary" disabled={enter.isPending}>{isNew ? "Create account" : "Sign in"}</button>
      </form>
      <button type="button" onClick={() => github.mutate()} disabled={github.isPending}>Continue with GitHub</button>
      {config.demo && (
        <button type="button" onClick={() => config.demo && enter.mutate({ ...config.demo, isNew: false })} disabled={enter.isPending}>
          Look around as the demo user
        </button>
      )}
      <p>
        {isNew ? "You have an account? " : "New here? "}
        <button type="button" className="link" onClick={() => { setNew(!isNew); enter.reset() }}>
          {isNew ? "Sign in instead" : "Create an account"}
        </button>
      </p>
    </main>
  )
}
