const NOTICE_MILLISECONDS = 30 * 86_400_000

/** The days of an interval as Postgres writes it: 90 days. */
export const daysOf = (rotateEvery: string | null): string => rotateEvery?.match(/^\d+/)?.[0] ?? ""

/** Whether an end is worth a mark: it has passed, or comes within 30 days. */
export const isNear = (end: string): boolean => Date.parse(end) < Date.now() + NOTICE_MILLISECONDS

type Ends = { expires_on: string; rotate_days: string }

/** What a form has of the ends, as the database takes it: a day ends a value at its start, in UTC. */
export const endsFrom = ({ expires_on, rotate_days }: Ends): { expires_at: string | null; rotate_every: string | null } => ({
  expires_at: expires_on ? `${expires_on}T00:00:00Z` : null,
  rotate_every: rotate_days ? `P${Number(rotate_days)}D` : null,
})
