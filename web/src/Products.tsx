import { useQuery } from "@tanstack/react-query"
import { useState } from "react"
import { Link } from "wouter"
import { useClients } from "./clients.ts"
import { Answer } from "./parts/Answer.tsx"
import { CommitmentTag } from "./parts/CommitmentTag.tsx"
import { ProductIcon } from "./parts/ProductIcon.tsx"
import { useTitle } from "./parts/title.ts"
import { ProductForm } from "./product/ProductForm.tsx"

// As many as PostgREST gives at once, and more than an account may have by default.
const SHOWN = 1000

/** What a product is, and the way to the first one. */
export function NoProducts() {
  const [isAdding, setAdding] = useState(false)
  return (
    <div className="empty">
      <h2>Nothing here yet</h2>
      <p>
        A product is a thing that you run: it groups the repositories, the work, the documents and the keys that belong to it.
      </p>
      <button type="button" className="primary" onClick={() => setAdding(true)}>Make the first one</button>
      {isAdding && <ProductForm onClose={() => setAdding(false)} />}
    </div>
  )
}

/** All products of whoever is signed in, the newest first. */
export function Products() {
  useTitle("Products")
  const { supabase } = useClients()
  const [isAdding, setAdding] = useState(false)
  const products = useQuery({
    queryKey: ["products"],
    queryFn: async ({ signal }) => {
      const asked = supabase
        .from("products")
        .select("id, name, icon, color, commitment, description")
        .order("created_at", { ascending: false })
        .order("id", { ascending: false })
        .limit(SHOWN)
      return (await asked.abortSignal(signal).throwOnError()).data
    },
  })
  return (
    <>
      <div className="page-head">
        <h1>Products</h1>
        <button type="button" className="primary" onClick={() => setAdding(true)}>New product</button>
      </div>
      <Answer of={products}>
        {(rows) =>
          rows.length === 0 ? (
            <NoProducts />
          ) : (
            <ul className="cards">
              {rows.map((product) => (
                <li key={product.id}>
                  <Link href={`/products/${product.id}`} className="card">
                    <ProductIcon product={product} />
                    <span>
                      <span className="name-line"><strong>{product.name}</strong><CommitmentTag product={product} /></span>
                      <small>{product.description ?? "No description"}</small>
                    </span>
                  </Link>
                </li>
              ))}
            </ul>
          )
        }
      </Answer>
      {isAdding && <ProductForm onClose={() => setAdding(false)} />}
    </>
  )
}
