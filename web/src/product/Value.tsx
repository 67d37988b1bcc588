import { useSay } from "../parts/notices.tsx"
import type { Revealed } from "./reveal.ts"

// Characters that certainly need no scrolling.
const FITS = 100
const MASK = "••••••••••••"

/** One of an entry's values: its own, or that of an environment. */
export type Held = { value: string | null; has_value: boolean; is_secret: boolean; name: string }

/** The value as it may be seen now. */
export function Value({ held, revealed }: { held: Held; revealed: Revealed }) {
  const value = shownOf(held, revealed)
  const isMasked = held.is_secret && held.has_value && value === undefined
  return (
    // What scrolls has to be reached by the keyboard.
    <code className="value" tabIndex={(value?.length ?? 0) > FITS ? 0 : undefined}>
      {isMasked ? MASK : value || "no value"}
    </code>
  )
}

/** What can be done with it. */
export function ValueActions({ held, revealed }: { held: Held; revealed: Revealed }) {
  const say = useSay()
  const value = shownOf(held, revealed)
  async function copy(text: string): Promise<void> {
    await navigator.clipboard.writeText(text).then(
      () => say(`The value of ${held.name} is copied.`),
      () => say("The browser does not let this page copy.", true),
    )
  }
  return (
    <>
      {held.is_secret && held.has_value && value === undefined && (
        <button type="button" onClick={revealed.reveal} disabled={revealed.isPending} aria-label={`Reveal ${held.name}`}>Reveal</button>
      )}
      {held.is_secret && value !== undefined && <button type="button" onClick={revealed.hide} aria-label={`Hide ${held.name}`}>Hide</button>}
      {value && <button type="button" onClick={() => void copy(value)} aria-label={`Copy ${held.name}`}>Copy</button>}
    </>
  )
}

const shownOf = (held: Held, revealed: Revealed): string | null | undefined => (held.is_secret ? revealed.value : held.value)
