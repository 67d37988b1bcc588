import { useEffect } from "react"

/** Names the page that is open, for tabs, histories and screen readers: the nearest first. */
export function useTitle(...names: string[]): void {
  const title = [...names, "Forum"].join(" · ")
  useEffect(() => {
    document.title = title
  }, [title])
}
