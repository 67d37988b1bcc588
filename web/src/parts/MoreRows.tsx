/** As many rows as PostgREST gives at once. */
const MOST = 1000

/** The way to the rows beyond those that were asked for, and where there is none, how to find them. */
export function MoreRows(props: { shown: number; limit: number; onMore: (limit: number) => void }) {
  const { shown, limit, onMore } = props
  if (shown < limit) return null
  if (limit >= MOST) return <p className="empty">These are the first {MOST.toLocaleString()}. Search finds the others.</p>
  return (
    <div className="actions more">
      <button type="button" onClick={() => onMore(Math.min(limit * 2, MOST))}>Show more</button>
    </div>
  )
}
