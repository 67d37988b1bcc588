import { useMutation, useQueryClient } from "@tanstack/react-query"
import { type ReactNode, useState } from "react"
import { useClients } from "../clients.ts"
import { Confirm } from "../parts/Dialog.tsx"
import { useSay } from "../parts/notices.tsx"
import { formatDay, formatUtcDay } from "../parts/times.ts"
import { explain } from "../problems.ts"
import type { AppInfoEntry } from "./AppInfo.tsx"
import { AppInfoForm } from "./AppInfoForm.tsx"
import { type Environment, ENVIRONMENTS, findOwn } from "./environments.ts"
import { EnvironmentValues } from "./EnvironmentValues.tsx"
import { isNear } from "./key-ends.ts"
import { useReveal } from "./reveal.ts"
import { type Held, Value, ValueActions } from "./Value.tsx"

/** An entry of app info with its values. */
export function Entry({ entry }: { entry: AppInfoEntry }) {
  const { supabase } = useClients()
  const queries = useQueryClient()
  const say = useSay()
  const revealed = useReveal(entry.id)
  const [opened, setOpened] = useState<"change" | "values" | "delete">()
  const close = (): void => setOpened(undefined)
  const remove = useMutation({
    mutationFn: async () => void (await supabase.from("app_info").delete().eq("id", entry.id).throwOnError()),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["app_info"] }),
    onError: (error) => say(explain(error), true),
  })
  const held: Held = { ...entry, name: entry.key }
  return (
    <li className="entry">
      <div>
        <span className="name-line">
          <strong className="mono">{entry.key}</strong>
          <span className="tag">{entry.is_secret ? "secret" : entry.category.replace("env_var", "variable")}</span>
        </span>
        {entry.description && <small>{entry.description}</small>}
        <Ends of={entry} />
      </div>
      <Value held={held} revealed={revealed} />
      <span className="entry-actions">
        <ValueActions held={held} revealed={revealed} />
        <button type="button" onClick={() => setOpened("values")} aria-label={`Environments of ${entry.key}`}>Environments</button>
        <button type="button" onClick={() => setOpened("change")} aria-label={`Change ${entry.key}`}>Change</button>
        <button type="button" className="quiet" onClick={() => setOpened("delete")} aria-label={`Delete ${entry.key}`}>✕</button>
      </span>
      {(Object.keys(ENVIRONMENTS) as Environment[]).map((environment) => {
        const own = findOwn(entry, environment)
        return own && <Own key={environment} entry={entry} environment={environment} own={own} />
      })}
      {opened === "change" && <AppInfoForm productId={entry.product_id} entry={entry} onClose={close} />}
      {opened === "values" && <EnvironmentValues entry={entry} onClose={close} />}
      {opened === "delete" && (
        <Confirm title={`Delete ${entry.key}?`} action="Delete" onConfirm={() => remove.mutate()} onClose={close}>
          Its values and its former values go with it, into the trash for 30 days.
        </Confirm>
      )}
    </li>
  )
}

/** When the value ceases to work, and when another one is due. */
function Ends({ of: { expires_at, rotation_due_at } }: { of: AppInfoEntry }) {
  return (
    <>
      {expires_at && <End at={expires_at}>expires {formatUtcDay(expires_at)}</End>}
      {rotation_due_at && <End at={rotation_due_at}>renewal due {formatDay(rotation_due_at)}</End>}
    </>
  )
}

function End({ at, children }: { at: string; children: ReactNode }) {
  return <small className={isNear(at) ? "end near" : "end"}>{children}</small>
}

type OwnProps = { entry: AppInfoEntry; environment: Environment; own: AppInfoEntry["environments"][number] }

/** What the entry has in an environment in place of its own value, as another line of it. */
function Own({ entry, environment, own }: OwnProps) {
  const revealed = useReveal(entry.id, environment)
  const held: Held = { ...own, is_secret: entry.is_secret, name: `${entry.key}, ${environment}` }
  return (
    <>
      <small className="environment">{environment}</small>
      <Value held={held} revealed={revealed} />
      <span className="entry-actions"><ValueActions held={held} revealed={revealed} /></span>
    </>
  )
}
