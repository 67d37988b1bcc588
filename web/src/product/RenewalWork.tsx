import { useMutation, useQueryClient } from "@tanstack/react-query"
import { useState } from "react"
import { type Row, useClients } from "../clients.ts"
import { useSay } from "../parts/notices.tsx"
import { explain } from "../problems.ts"

/** Whether the keys of a product that come to their end are put among its work. */
export function RenewalWork({ product }: { product: Row<"products"> }) {
  const { supabase } = useClients()
  const queries = useQueryClient()
  const say = useSay()
  const [asked, setAsked] = useState<boolean>()
  const save = useMutation({
    mutationFn: async (adds_renewal_work: boolean) =>
      void (await supabase.from("products").update({ adds_renewal_work }).eq("id", product.id).throwOnError()),
    onError: (error) => say(explain(error), true),
    onSettled: async () => {
      await queries.invalidateQueries({ queryKey: ["products"] })
      setAsked(undefined)
    },
  })
  function change(isOn: boolean): void {
    setAsked(isOn)
    save.mutate(isOn)
  }
  return (
    <label className="check">
      <input type="checkbox" checked={asked ?? product.adds_renewal_work} disabled={save.isPending} onChange={(event) => change(event.target.checked)} />
      Add a work item for each key that is to be renewed within 30 days
    </label>
  )
}
