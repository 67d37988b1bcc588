import { useQuery } from "@tanstack/react-query"
import { type Row, useClients } from "./clients.ts"

const SHOWN = 200

type Named = Pick<Row<"products">, "id" | "name" | "icon">

/** What the products are called and look like, by their ids and in the order of their names. */
export function useProductNames(): ReadonlyMap<string, Named> {
  const { supabase } = useClients()
  const products = useQuery({
    queryKey: ["products", "names"],
    queryFn: async () => (await supabase.from("products").select("id, name, icon").order("name").limit(SHOWN).throwOnError()).data,
  })
  return new Map(products.data?.map((product) => [product.id, product]))
}
