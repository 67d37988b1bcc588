import { useQuery } from "@tanstack/react-query"
import { useClients } from "./clients.ts"

const SHOWN = 200

/** What the products are called, by their ids and in the order of their names. */
export function useProductNames(): ReadonlyMap<string, string> {
  const { supabase } = useClients()
  const products = useQuery({
    queryKey: ["products", "names"],
    queryFn: async () => (await supabase.from("products").select("id, name").order("name").limit(SHOWN).throwOnError()).data,
  })
  return new Map(products.data?.map(({ id, name }) => [id, name]))
}
