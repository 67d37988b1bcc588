import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query"
import { useState } from "react"
import { Link, Route, Switch, useLocation } from "wouter"
import { History } from "../Activity.tsx"
import { type Row, useClients } from "../clients.ts"
import { Answer } from "../parts/Answer.tsx"
import { Confirm } from "../parts/Dialog.tsx"
import { useSay } from "../parts/notices.tsx"
import { CommitmentTag } from "../parts/CommitmentTag.tsx"
import { ProductIcon } from "../parts/ProductIcon.tsx"
import { useTitle } from "../parts/title.ts"
import { explain } from "../problems.ts"
import { AppInfo } from "./AppInfo.tsx"
import { Board } from "./Board.tsx"
import { Document } from "./Document.tsx"
import { Documents } from "./Documents.tsx"
import { ProductForm } from "./ProductForm.tsx"
import { Repositories } from "./Repositories.tsx"

const TABS = [
  { path: "", name: "Work" },
  { path: "/documents", name: "Documents" },
  { path: "/app-info", name: "App info" },
  { path: "/repositories", name: "Repositories" },
  { path: "/activity", name: "Activity" },
]

export function Product({ id }: { id: string }) {
  const { supabase } = useClients()
  const product = useQuery({
    queryKey: ["products", id],
    queryFn: async () => (await supabase.from("products").select().eq("id", id).maybeSingle().throwOnError()).data,
  })
  return (
    <Answer of={product}>
      {(found) =>
        found ? (
          <ProductPages product={found} />
        ) : (
          <div className="empty">
            <h1>No such product</h1>
            <p>It has been deleted, or it belongs to another account.</p>
            <Link href="/products">All products</Link>
          </div>
        )
      }
    </Answer>
  )
}

function ProductPages({ product }: { product: Row<"products"> }) {
  const [location] = useLocation()
  const base = `/products/${product.id}`
  const [isChanging, setChanging] = useState(false)
  const [isDeleting, setDeleting] = useState(false)
  const remove = useDelete(product)
  const tab = TABS.findLast(({ path }) => path !== "" && location.startsWith(base + path))
  useTitle(...(tab ? [tab.name] : []), product.name)
  return (
    <div style={{ "--accent": product.color ?? undefined } as React.CSSProperties}>
      <div className="page-head">
        <h1><ProductIcon product={product} />{product.name}<CommitmentTag product={product} /></h1>
        <button type="button" onClick={() => setChanging(true)}>Change</button>
        <button type="button" onClick={() => setDeleting(true)}>Delete</button>
      </div>
      {product.description && <p className="lead">{product.description}</p>}
      <nav className="tabs" aria-label={product.name}>
        {TABS.map(({ path, name }) => {
          const isHere = path === "" ? location === base || location.startsWith(`${base}/work/`) : location.startsWith(base + path)
          return <Link key={name} href={base + path} aria-current={isHere ? "page" : undefined}>{name}</Link>
        })}
      </nav>
      <Switch>
        <Route path={`${base}/documents/:id`}>
          {({ id }: { id: string }) => <Document key={id} id={id} product={product} />}
        </Route>
        <Route path={`${base}/documents`}><Documents product={product} /></Route>
        <Route path={`${base}/app-info`}><AppInfo product={product} /></Route>
        <Route path={`${base}/repositories`}><Repositories product={product} /></Route>
        <Route path={`${base}/activity`}><History productId={product.id} /></Route>
        <Route path={`${base}/work/:id`}>{({ id }: { id: string }) => <Board product={product} opened={id} />}</Route>
        <Route><Board product={product} /></Route>
      </Switch>
      {isChanging && <ProductForm product={product} onClose={() => setChanging(false)} />}
      {isDeleting && (
        <Confirm title={`Delete ${product.name}?`} action="Delete" onConfirm={() => remove.mutate()} onClose={() => setDeleting(false)}>
          Its work, documents, keys and repositories go with it, into the trash for 30 days. Nothing changes at GitHub.
        </Confirm>
      )}
    </div>
  )
}

function useDelete(product: Row<"products">) {
  const { supabase } = useClients()
  const queries = useQueryClient()
  const say = useSay()
  const [, go] = useLocation()
  return useMutation({
    mutationFn: async () => void (await supabase.from("products").delete().eq("id", product.id).throwOnError()),
    onSuccess: async () => {
      go("/products")
      await queries.invalidateQueries({ queryKey: ["products"] })
      say(`${product.name} is in the trash.`)
    },
    onError: (error) => say(explain(error), true),
  })
}
