import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query"
import { type Schema, useClients } from "./clients.ts"
import { useSay } from "./parts/notices.tsx"
import { formatDay } from "./parts/times.ts"
import { explain } from "./problems.ts"

export type Resumed = Schema<"ProductOfResume">

const PRODUCTS = 100

/** What is going on in all products, as it was at one moment. */
export function useResume() {
  const { api } = useClients()
  return useQuery({
    // Whatever is done to work is seen here.
    queryKey: ["work", "resume"],
    queryFn: async ({ signal }) => (await api.GET("/api/resume", { params: { query: { limit: PRODUCTS } }, signal })).data ?? null,
  })
}

/** Says that what has changed in a product, up to what is on the screen, has been seen. */
export function useSeen() {
  const { api } = useClients()
  const queries = useQueryClient()
  const say = useSay()
  return useMutation({
    mutationFn: ({ id, last_activity_at }: Resumed) =>
      api.POST("/api/resume/seen", { body: { product_id: id, until: last_activity_at } }),
    onError: (error) => say(explain(error), true),
    onSettled: () => queries.invalidateQueries({ queryKey: ["work", "resume"] }),
  })
}

/** What has changed since the product was seen, and by whom: none where only its owner has changed anything. */
export function describeChanges({ since }: Resumed): string {
  const actors = [
    [since.person, "by you"],
    [since.token, "by access tokens"],
    [since.sync, "by the re-sync"],
    [since.system, "by Forum"],
  ] as const
  const said = actors.filter(([count]) => count > 0).map(([count, actor]) => `${count} ${actor}`)
  return said.length > 0 ? `Changes since you have looked: ${said.join(", ")}` : ""
}

type Warning = { id: string; text: string; path: string }

/** What is wrong with the account as a whole. */
export function listWarnings(account: Schema<"AccountOfResume"> | null): Warning[] {
  if (account === null) return []
  const { connection, failed_run, expiring_tokens, ending_trash } = account
  const warnings: Warning[] = expiring_tokens.map(({ id, name, expires_at }) => ({
    id,
    text: `The access token ${name} ends on ${formatDay(expires_at)}.`,
    path: "/tokens",
  }))
  warnings.push(
    ...ending_trash.map(({ id, title, expires_at }) => ({
      id,
      text: `${title} goes from the trash for good on ${formatDay(expires_at)}.`,
      path: "/trash",
    })),
  )
  if (connection?.state === "needs_reauth") {
    warnings.unshift({ id: "connection", text: "GitHub refuses Forum's token: connect again.", path: "/account" })
  } else if (failed_run) {
    warnings.unshift({ id: failed_run.id, text: "The last re-sync with GitHub has failed.", path: "/account" })
  }
  return warnings
}
