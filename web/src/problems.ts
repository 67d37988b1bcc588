import type { components } from "./openapi.types.ts"

type ProblemDocument = Partial<components["schemas"]["ProblemDocument"]>

/** What the API refuses, an RFC 9457 problem. Branch on `type`. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly type: string,
    detail: string,
    readonly rest: Pick<ProblemDocument, "conflicts" | "trash_id" | "request_id"> = {},
  ) {
    super(detail)
    this.name = "Problem"
  }

  /** What an answer refuses. Of a change that came second the API tells the row as it stands. */
  static async read(response: Response): Promise<Problem | Conflict<unknown>> {
    // What stands before the functions, such as API Gateway's throttle, answers in words of its own.
    const body = await response.json().catch(() => ({}))
    if (response.status === 412 && body.current) return new Conflict(body.current)
    const fields = (body.errors ?? []).map((error: { detail: string }) => error.detail)
    const detail = [body.detail ?? body.message ?? `The API answered with ${response.status}.`, ...fields].join(" ")
    return new Problem(response.status, body.type ?? "about:blank", detail, body)
  }
}

/** A row that somebody else has changed since it was read. */
export class Conflict<Row> extends Error {
  constructor(readonly current: Row) {
    super("This has been changed elsewhere meanwhile.")
    this.name = "Conflict"
  }
}

/** A row that is not there any more. */
export class Gone extends Error {
  constructor() {
    super("This has been deleted meanwhile.")
    this.name = "Gone"
  }
}

/** What PostgREST and Supabase's sign-in throw has these. */
type Refusal = { code?: unknown; details?: unknown; hint?: unknown; message: string; status?: unknown }

export const STATUS_NAMES: Record<string, string> = { todo: "To do", in_progress: "In progress", done: "Done" }

const SIGN_IN: Record<string, string> = {
  invalid_credentials: "The address or the password is wrong.",
  user_already_exists: "There is an account with this address already: sign in instead.",
  weak_password: "The password needs at least six characters.",
  validation_failed: "This is no e-mail address.",
  over_request_rate_limit: "That was too often. Wait a minute.",
}

/** By the constraint, which Postgres names in its message. */
const CONSTRAINTS: Record<string, string> = {
  app_info_product_key_unique: "The product has an entry with this key already.",
  app_info_key_variable:
    "The key of an environment variable has letters, digits and _ only, and begins with no digit.",
  products_color_format: "A colour is written #rrggbb.",
  repositories_url_format: "A URL begins with http:// or https://.",
}

const UNREACHABLE = "Forum cannot be reached. Nothing was changed; try again once you are connected."

/** An error as a sentence for a person: what happened and what to do. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return "Something went wrong that this page does not know."
  const { code, details, hint, message } = error as Error & Refusal
  if (isUnreachable(error)) return UNREACHABLE
  if (typeof code === "string" && SIGN_IN[code]) return SIGN_IN[code]
  if (hint === "work_item_transition" && typeof details === "string") {
    const allowed = details.split(",").map((status) => STATUS_NAMES[status] ?? status)
    return `From here it can only go to ${allowed.join(" or ")}.`
  }
  if (hint === "github_owned_column") return "This comes from GitHub: change it there, and it changes here."
  if (hint === "app_info_place") return "A secret cannot be moved from here."
  const constraint = Object.keys(CONSTRAINTS).find((name) => message.includes(name))
  if (constraint) return CONSTRAINTS[constraint] ?? message
  if (code === "23514" && /_(length|visible|trimmed)"/.test(message)) {
    return "The text is empty or too long, or has blanks or line breaks where none may be."
  }
  if (code === "57014") return "The database was too busy. Try again in a moment."
  return message
}

/** Whether no answer came at all. */
export function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return /failed to fetch|networkerror|load failed/i.test(error.message)
}

/** Whether the sign-in is too long ago for what was asked. */
export function asksForSignIn(error: unknown): boolean {
  return error instanceof Problem && error.type === "urn:forum:problem:reauthenticate"
}

/** Whether the session is what was refused. */
export function isUnauthorised(error: unknown): boolean {
  if (error instanceof Problem) return error.status === 401 && !asksForSignIn(error)
  const code = (error as Refusal | undefined)?.code
  return code === "PGRST301" || code === "PGRST302" || code === "PGRST303"
}
