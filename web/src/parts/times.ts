/** A day and a time of it, as its reader writes them. */
export const formatTime = (time: string): string =>
  new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })

/** A day that begins in UTC, as one that is chosen in a form does: elsewhere on earth it would be the one before. */
export const formatUtcDay = (time: string): string =>
  new Date(time).toLocaleDateString(undefined, { dateStyle: "medium", timeZone: "UTC" })

/** A day, as its reader writes it. */
export const formatDay = (time: string): string => new Date(time).toLocaleDateString(undefined, { dateStyle: "medium" })
