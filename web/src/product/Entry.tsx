import { useMutation, useQueryClient } from "@tanstack/react-query"
import { useEffect, useState } from "react"
import { useClients } from "../clients.ts"
import { Confirm } from "../parts/Dialog.tsx"
import { useSay } from "../parts/notices.tsx"
import { formatDay } from "../parts/times.ts"
import { explain } from "../problems.ts"
import type { AppInfoEntry } from "./AppInfo.tsx"
import { AppInfoForm } from "./AppInfoForm.tsx"
import { isNear } from "./key-ends.ts"

// Long enough to copy it, short enough for whoever leaves the desk.
const SHOWN_MILLISECONDS = 30_000
// Characters that certainly need no scrolling.
const FITS = 100

/** An entry of app info. A secret's value comes from the function that records who has seen it, and goes again. */
export function Entry({ entry }: { entry: AppInfoEntry }) {
  const { supabase, api } = useClients()
  const queries = useQueryClient()
  const say = useSay()
  const [revealed, setRevealed] = useState<string | null>()
  const [isChanging, setChanging] = useState(false)
  const [isDeleting, setDeleting] = useState(false)

  const reveal = useMutation({
    // Not kept with the answers of queries: nothing but this entry holds the value.
    gcTime: 0,
    mutationFn: async () => {
      const path = { app_info_id: entry.id }
      const { data } = await api.POST("/api/app-info/{app_info_id}/reveal", { params: { path } })
      return data?.value ?? null
    },
    onSuccess: setRevealed,
    onError: (error) => say(explain(error), true),
  })
  const remove = useMutation({
    mutationFn: async () => void (await supabase.from("app_info").delete().eq("id", entry.id).throwOnError()),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["app_info"] }),
    onError: (error) => say(explain(error), true),
  })

  useEffect(() => {
    if (revealed === undefined) return undefined
    const timer = setTimeout(hide, SHOWN_MILLISECONDS)
    return () => clearTimeout(timer)
  }, [revealed])

  function hide(): void {
    setRevealed(undefined)
    reveal.reset()
  }

  async function copy(value: string): Promise<void> {
    await navigator.clipboard.writeText(value).then(
      () => say(`The value of ${entry.key} is copied.`),
      () => say("The browser does not let this page copy.", true),
    )
  }

  const value = entry.is_secret ? revealed : entry.value
  return (
    <li className="entry">
      <div>
        <strong className="mono">{entry.key}</strong>
        {entry.description && <small>{entry.description}</small>}
        <Ends of={entry} />
      </div>
      {/* What scrolls has to be reached by the keyboard. */}
      <code className="value" tabIndex={(value?.length ?? 0) > FITS ? 0 : undefined}>{describe(entry, value)}</code>
      <span className="entry-actions">
        <span className="tag">{entry.is_secret ? "secret" : entry.category.replace("env_var", "variable")}</span>
        {entry.is_secret && entry.has_value && value === undefined && (
          <button type="button" onClick={() => reveal.mutate()} disabled={reveal.isPending} aria-label={`Reveal ${entry.key}`}>Reveal</button>
        )}
        {entry.is_secret && value !== undefined && <button type="button" onClick={hide} aria-label={`Hide ${entry.key}`}>Hide</button>}
        {value && <button type="button" onClick={() => void copy(value)} aria-label={`Copy ${entry.key}`}>Copy</button>}
        <button type="button" onClick={() => setChanging(true)} aria-label={`Change ${entry.key}`}>Change</button>
        <button type="button" className="quiet" onClick={() => setDeleting(true)} aria-label={`Delete ${entry.key}`}>✕</button>
      </span>
      {isChanging && <AppInfoForm productId={entry.product_id} entry={entry} onClose={() => setChanging(false)} />}
      {isDeleting && (
        <Confirm title={`Delete ${entry.key}?`} action="Delete" onConfirm={() => remove.mutate()} onClose={() => setDeleting(false)}>
          Its value and its former values go with it, into the trash for 30 days.
        </Confirm>
      )}
    </li>
  )
}

/** When the value ceases to work, and when another one is due. */
function Ends({ of: { expires_at, rotation_due_at } }: { of: AppInfoEntry }) {
  const ends = [["expires", expires_at], ["renewal due", rotation_due_at]] as const
  return (
    <div className="ends">
      {ends.map(([what, at]) => at && <small key={what} className={isNear(at) ? "tag warn" : undefined}>{what} {formatDay(at)}</small>)}
    </div>
  )
}

function describe(entry: AppInfoEntry, value: string | null | undefined): string {
  if (value) return value
  if (entry.is_secret && entry.has_value && value === undefined) return "••••••••••••"
  return "no value"
}
