import type { UseQueryResult } from "@tanstack/react-query"
import type { ReactNode } from "react"
import { explain } from "../problems.ts"

/** What a query has brought, or that it is on its way, or why it failed with a way to try again. */
export function Answer<Data>({ of, children }: { of: UseQueryResult<Data>; children: (data: Data) => ReactNode }) {
  if (of.data !== undefined) return children(of.data)
  if (of.isError) {
    return (
      <div className="empty" role="alert">
        <p>{explain(of.error)}</p>
        <button type="button" onClick={() => void of.refetch()}>Try again</button>
      </div>
    )
  }
  return <p className="empty" aria-busy="true">Loading…</p>
}
