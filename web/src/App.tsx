import type { User } from "@supabase/supabase-js"
import { useCallback, useState } from "react"
import { Link, Redirect, Route, Switch } from "wouter"
import { Account } from "./account/Account.tsx"
import { Activity } from "./Activity.tsx"
import { useClients } from "./clients.ts"
import { Products } from "./Products.tsx"
import { Product } from "./product/Product.tsx"
import { useLiveChanges } from "./live.ts"
import { useReferenceToken } from "./reference.ts"
import { Resume } from "./Resume.tsx"
import { Search, useSearchKey } from "./Search.tsx"
import { type SessionState, useSessionState } from "./session.ts"
import { SignIn } from "./SignIn.tsx"
import { Tokens } from "./Tokens.tsx"
import { Trash } from "./Trash.tsx"

const PLACES = [
  { path: "/", name: "Resume" },
  { path: "/products", name: "Products" },
  { path: "/activity", name: "Activity" },
  { path: "/trash", name: "Trash" },
  { path: "/tokens", name: "Tokens" },
]

export function App() {
  const state = useSessionState()
  useLiveChanges(state.session?.user.id)
  if (state.session === undefined) return <p className="empty" aria-busy="true">Loading…</p>
  // The address stays, so that whoever signs in again is back where they were.
  if (state.session === null) return <SignIn hasEnded={state.hasEnded} />
  const { user } = state.session
  return (
    <>
      <a className="skip" href="#main">Skip to the content</a>
      <Header user={user} signOut={state.signOut} />
      <main id="main">
        <Switch>
          <Route path="/" component={Resume} />
          <Route path="/products" component={Products} />
          <Route path="/products/:id/*?">{({ id }) => <Product key={id} id={id} />}</Route>
          <Route path="/activity" component={Activity} />
          <Route path="/trash" component={Trash} />
          <Route path="/tokens" component={Tokens} />
          <Route path="/account"><Account user={user} signOut={state.signOut} /></Route>
          <Route><Redirect to="/" replace /></Route>
        </Switch>
      </main>
    </>
  )
}

function Header({ user, signOut }: { user: User; signOut: SessionState["signOut"] }) {
  const { config } = useClients()
  useReferenceToken()
  const [isSearching, setSearching] = useState(false)
  useSearchKey(useCallback(() => setSearching(true), []))
  return (
    <header className="top">
      <Link href="/" className="brand"><img src="/icon.svg" alt="" width="24" height="24" /><span>Forum</span></Link>
      <nav aria-label="Forum">
        {PLACES.map(({ path, name }) => (
          <Link key={path} href={path} className={(isActive) => (isActive ? "active" : "")}>{name}</Link>
        ))}
        <a href={`${config.apiUrl}/reference`} target="_blank" rel="opener">API</a>
      </nav>
      <button type="button" className="search-button" onClick={() => setSearching(true)}>Search <kbd>/</kbd></button>
      <Link href="/account" className="who">
        <span className="unseen">Account</span>
        <span className="initial" data-letter={(user.email ?? "?").charAt(0).toUpperCase()} aria-hidden="true" />
        <span className="address">{user.email}</span>
      </Link>
      <button type="button" onClick={() => void signOut("local")}>Sign out</button>
      {isSearching && <Search onClose={() => setSearching(false)} />}
    </header>
  )
}
