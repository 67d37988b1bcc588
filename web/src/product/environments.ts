import type { Schema } from "../clients.ts"

export type Environment = Schema<"EnvironmentValue">["environment"]

/** Where an entry can have a value of its own. Elsewhere, and where it has none, its base value counts. */
export const ENVIRONMENTS: Record<Environment, string> = {
  development: "Development",
  preview: "Preview",
  production: "Production",
}
export const EVERYWHERE = "Everywhere else"

/** What an entry has in an environment, if that is not what it has everywhere. */
export function findOwn<Own extends { environment: string }>(entry: { environments: Own[] }, environment: Environment): Own | undefined {
  return entry.environments.find((each) => each.environment === environment)
}
