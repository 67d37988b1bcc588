import { useQuery } from "@tanstack/react-query"
import { useState } from "react"
import { type Row, useClients } from "../clients.ts"
import { Answer } from "../parts/Answer.tsx"
import { AppInfoForm } from "./AppInfoForm.tsx"
import { Entry } from "./Entry.tsx"
import { EnvExport } from "./EnvExport.tsx"
import { EnvImport } from "./EnvImport.tsx"
import { RenewalWork } from "./RenewalWork.tsx"

const SHOWN = 500
// What the API tells as well; the number that a secret is sealed under is nobody's business.
const COLUMNS =
  "id, product_id, key, value, category, is_secret, has_value, description, version, last_revealed_at, expires_at, rotate_every, rotation_due_at"

export type AppInfoEntry = Pick<
  Row<"app_info">,
  | "id" | "product_id" | "key" | "value" | "category" | "is_secret" | "has_value" | "description" | "version" | "last_revealed_at"
  | "expires_at" | "rotate_every" | "rotation_due_at"
>

/** The keys, URLs and notes of a product, in the order of the file that they came from. */
export function AppInfo({ product }: { product: Row<"products"> }) {
  const { supabase } = useClients()
  const [opened, setOpened] = useState<"entry" | "import" | "export">()
  const close = (): void => setOpened(undefined)
  const entries = useQuery({
    queryKey: ["app_info", product.id],
    queryFn: async ({ signal }): Promise<AppInfoEntry[]> => {
      const asked = supabase
        .from("app_info")
        .select(COLUMNS)
        .eq("product_id", product.id)
        .order("position")
        .order("id")
        .limit(SHOWN)
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
      <RenewalWork product={product} />
      {opened === "entry" && <AppInfoForm productId={product.id} onClose={close} />}
      {opened === "import" && <EnvImport productId={product.id} onClose={close} />}
      {opened === "export" && <EnvExport product={product} onClose={close} />}
    </>
  )
}
