import { type InfiniteData, type QueryKey, useInfiniteQuery, type UseInfiniteQueryResult } from "@tanstack/react-query"

const PAGE = 50

/** Which page of a list is asked for, as the API's lists take it. */
export type PageQuery = { limit: number; cursor?: string }
type PageOf<Item> = { items: Item[]; next_cursor: string | null }

/** A list that comes page by page, as one. */
export function usePages<Item>(
  queryKey: QueryKey,
  ask: (query: PageQuery, signal: AbortSignal) => Promise<PageOf<Item> | undefined>,
): UseInfiniteQueryResult<Item[]> {
  return useInfiniteQuery({
    queryKey,
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam, signal }) =>
      (await ask({ limit: PAGE, ...(pageParam && { cursor: pageParam }) }, signal)) ?? { items: [], next_cursor: null },
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    select: ({ pages }: InfiniteData<PageOf<Item>>) => pages.flatMap(({ items }) => items),
  })
}

/** The way to what comes after the pages that are shown. */
export function ShowMore({ of }: { of: UseInfiniteQueryResult }) {
  if (!of.hasNextPage) return null
  return (
    <div className="actions more">
      <button type="button" disabled={of.isFetchingNextPage} onClick={() => void of.fetchNextPage()}>Show more</button>
    </div>
  )
}
