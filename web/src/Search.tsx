import { keepPreviousData, useQuery } from "@tanstack/react-query"
import { type KeyboardEvent, useEffect, useId, useState } from "react"
import { useLocation } from "wouter"
import { type Schema, useClients } from "./clients.ts"
import { ENTITIES, placeOf } from "./entities.ts"
import { Dialog } from "./parts/Dialog.tsx"
import { explain } from "./problems.ts"
import { useProductNames } from "./product-names.ts"

type Hit = Schema<"Hit">
const SHOWN = 20
// A pause between letters, so that each word is not asked for letter by letter.
const PAUSE_MILLISECONDS = 150

/** Opens by `/` or ⌘K from anywhere, unless somebody is typing or a window is open. */
export function useSearchKey(onOpen: () => void): void {
  useEffect(() => {
    function press(event: globalThis.KeyboardEvent): void {
      const isShortcut = (event.metaKey || event.ctrlKey) && event.key.toLowerCase() === "k"
      const isTyping = (event.target as HTMLElement).closest("input, textarea, select") !== null
      const isSlash = event.key === "/" && !isTyping && !event.metaKey && !event.ctrlKey && !event.altKey
      if ((!isShortcut && !isSlash) || document.querySelector("dialog[open]")) return
      event.preventDefault()
      onOpen()
    }
    window.addEventListener("keydown", press)
    return () => window.removeEventListener("keydown", press)
  }, [onOpen])
}

/** One search over everything, by keyboard: arrows choose, Enter opens. */
export function Search({ onClose }: { onClose: () => void }) {
  const { api } = useClients()
  const [, go] = useLocation()
  const [text, setText] = useState("")
  const [chosen, setChosen] = useState(0)
  const list = useId()
  const q = useLast(text.trim(), PAUSE_MILLISECONDS)
  const names = useProductNames()
  const found = useQuery({
    queryKey: ["search", q],
    queryFn: async ({ signal }) => (await api.GET("/api/search", { params: { query: { q, limit: SHOWN } }, signal })).data ?? null,
    enabled: q !== "",
    placeholderData: keepPreviousData,
  })
  const hits = q === "" ? [] : (found.data?.items ?? [])
  const at = Math.min(chosen, hits.length - 1)

  function open(hit: Hit | undefined): void {
    if (!hit) return
    onClose()
    go(placeOf(hit))
  }
  function press(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step !== undefined && hits.length > 0) {
      event.preventDefault()
      setChosen((at + step + hits.length) % hits.length)
    }
    if (event.key === "Enter" && !event.nativeEvent.isComposing) open(hits[at])
  }
  return (
    <Dialog title="Search" onClose={onClose}>
      <div className="search">
        <input
          type="search"
          role="combobox"
          aria-label="Search everything"
          aria-expanded={hits.length > 0}
          aria-controls={list}
          aria-activedescendant={hits[at] && `${list}-${at}`}
          placeholder="Products, work, documents, repositories, keys"
          maxLength={200}
          value={text}
          onChange={(event) => { setText(event.target.value); setChosen(0) }}
          onKeyDown={press}
        />
        <ul id={list} role="listbox" aria-label="Found">
          {hits.map((hit, index) => (
            <li
              key={hit.id}
              id={`${list}-${index}`}
              role="option"
              aria-selected={index === at}
              ref={(element) => { if (index === at) element?.scrollIntoView({ block: "nearest" }) }}
              onPointerMove={() => setChosen(index)}
              onClick={() => open(hit)}
            >
              <span>
                <strong>{hit.title}</strong>
                {hit.excerpt && <small>{hit.excerpt}</small>}
              </span>
              <small>{ENTITIES[hit.entity]}{hit.entity !== "products" && names.has(hit.product_id) && ` · ${names.get(hit.product_id)?.name}`}</small>
            </li>
          ))}
        </ul>
        <p role="status" className="muted">
          {found.error ? explain(found.error) : tell(q, found.data ?? undefined, hits.length)}
        </p>
      </div>
    </Dialog>
  )
}

function tell(q: string, found: Schema<"Found"> | undefined, count: number): string {
  if (q === "") return "Every word has to be there; the last may be a beginning."
  if (!found) return "Searching…"
  if (count === 0) return "Nothing has all of these words."
  return found.more ? `The first ${count}: another word narrows it.` : `${count} found`
}

/** A value once it has stayed the same for a while. */
function useLast<Value>(value: Value, milliseconds: number): Value {
  const [last, setLast] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setLast(value), milliseconds)
    return () => clearTimeout(timer)
  }, [value, milliseconds])
  return last
}
