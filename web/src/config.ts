/** Where this page finds its backend. Read when the page starts, so that one build serves every deployment. */
export type Config = {
  supabaseUrl: string
  /** The publishable key, which is no secret: row level security is what protects the rows. */
  supabaseAnonKey: string
  apiUrl: string
  /** Whether the Supabase project has Realtime, by which changes arrive as they happen. */
  realtime?: boolean
  /** Whom one can be on a developer's machine, where there are only made-up accounts. */
  demo?: { email: string; password: string }
}

/** Reads `/config.json`. Throws where the page is served without one. */
export async function loadConfig(): Promise<Config> {
  const answer = await fetch("/config.json")
  if (!answer.ok) throw new Error(`/config.json is answered with ${answer.status}.`)
  return (await answer.json()) as Config
}
