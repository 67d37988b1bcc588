import { keepPreviousData, useQuery } from "@tanstack/react-query"
import { useState } from "react"
import { type Row, useClients } from "../clients.ts"
import { Answer } from "../parts/Answer.tsx"
import { MoreRows } from "../parts/MoreRows.tsx"
import { AppInfoForm } from "./AppInfoForm.tsx"
import { Drift } from "./Drift.tsx"
import { Entry } from "./Entry.tsx"
import { EnvExport } from "./EnvExport.tsx"
import { EnvImport } from "./EnvImport.tsx"
import { RenewalWork } from "./RenewalWork.tsx"

const PAGE = 250
// What the API tells as well; the number that a secret is sealed under is nobody's business.
const COLUMNS =
  "id, product_id, key, value, category, is_secret, has_value, description, version, last_revealed_at, expires_at, rotate_every, rotation_due_at, environments:app_info_overrides(environment, value, has_value)"

export type AppInfoEntry = Pick<
  Row<"app_info">,
  | "id" | "product_id" | "key" | "value" | "category" | "is_secret" | "has_value" | "description" | "version" | "last_revealed_at"
  | "expires_at" | "rotate_every" | "rotation_due_at"
> & {
  /** The environments that have a value of their own. */
  environments: Pick<Row<"app_info_overrides">, "environment" | "value" | "has_value">[]
}

/** The keys, URLs and notes of a product, in the order of the file that they came from. */
export function AppInfo({ product }: { product: Row<"products"> }) {
  const { supabase } = useClients()
  const [limit, setLimit] = useState(PAGE)
  const [opened, setOpened] = useState<"entry" | "import" | "export">()
  const [added, setAdded] = useState<string>()
  const close = (): void => setOpened(undefined)
  const entries = useQuery({
    queryKey: ["app_info", product.id, limit],
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }): Promise<AppInfoEntry[]> => {
      const asked = supabase
        .from("app_info")
        .select(COLUMNS)
        .eq("product_id", product.id)
        .order("position")
        .order("id")
        .limit(limit)
      return (await asked.abortSignal(signal).throwOnError()).data
    },
  })
  return (
    <>
      <div className="page-head">
        <h2>App info</h2>
        <button type="button" onClick={() => setOpened("export")}>Download .env</button>
        <button type="button" onClick={() => setOpened("import")}>Paste .env</button>
        <button type="button" className="primary" onClick={() => setOpened("entry")}>New entry</button>
      </div>
      <Answer of={entries}>
        {(rows) =>
          rows.length === 0 ? (
            <p className="empty">
              Environment variables, URLs, credentials and notes. Secrets are encrypted, and shown one at a time and on the
              record.
            </p>
          ) : (
            <ul className="list">{rows.map((entry) => <Entry key={entry.id} entry={entry} />)}</ul>
          )
        }
      </Answer>
      <MoreRows shown={entries.data?.length ?? 0} limit={limit} onMore={setLimit} />
      <RenewalWork product={product} />
      <Drift product={product} onAdd={setAdded} />
      {opened === "entry" && <AppInfoForm productId={product.id} onClose={close} />}
      {added && <AppInfoForm productId={product.id} suggestedKey={added} onClose={() => setAdded(undefined)} />}
      {opened === "import" && <EnvImport productId={product.id} onClose={close} />}
      {opened === "export" && <EnvExport product={product} onClose={close} />}
    </>
  )
}
