import type { Schema } from "./clients.ts"

export type Actor = Schema<"ActivityRead">["actor"]

/** Who has changed something, within a sentence. */
export const ACTORS: Record<Actor, string> = {
  person: "you",
  token: "an access token",
  sync: "the re-sync",
  system: "Forum",
}
