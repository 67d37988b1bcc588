import type { User } from "@supabase/supabase-js"
import { Link } from "wouter"
import type { SessionState } from "../session.ts"
import { DeleteAccount } from "./DeleteAccount.tsx"
import { Github } from "./Github.tsx"
import { Usage } from "./Usage.tsx"
import { useTitle } from "../parts/title.ts"

/** Who is signed in: what the account holds, what it is connected to, and the ways out. */
export function Account({ user, signOut }: { user: User; signOut: SessionState["signOut"] }) {
  useTitle("Account")
  return (
    <div className="panels">
      <div className="page-head"><h1>Account</h1></div>
      <section className="panel" aria-labelledby="who">
        <h2 id="who">{user.email ?? user.id}</h2>
        <p className="muted">Signs in {describeProviders(user)}.</p>
        <div className="actions">
          <button type="button" onClick={() => void signOut("local")}>Sign out here</button>
          <button type="button" onClick={() => void signOut("global")}>Sign out everywhere</button>
        </div>
      </section>
      <Usage />
      <Github user={user} />
      <section className="panel" aria-labelledby="tokens">
        <h2 id="tokens">Access tokens</h2>
        <p className="muted">Agents, CI and scripts do by them a part of what you may do. Each can be revoked at any time.</p>
        <div className="actions"><Link href="/tokens" className="button">Look at the tokens</Link></div>
      </section>
      <DeleteAccount user={user} signOut={signOut} />
    </div>
  )
}

const PROVIDERS: Record<string, string> = { email: "with a password", github: "with GitHub" }

/** How somebody can sign in, as Supabase knows it. */
export const providersOf = (user: User): string[] => (user.app_metadata.providers as string[] | undefined) ?? ["email"]

function describeProviders(user: User): string {
  return providersOf(user).map((provider) => PROVIDERS[provider] ?? `with ${provider}`).join(" or ")
}
