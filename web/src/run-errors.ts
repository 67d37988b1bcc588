const ERRORS: Record<string, string> = {
  rate_limited: "GitHub asked to wait.",
  needs_reauth: "GitHub refuses the token: connect again.",
  github_unavailable: "GitHub did not answer.",
  github_forbidden: "GitHub refuses the account.",
  product_gone: "The product was deleted meanwhile.",
  abandoned: "It did not come to its end within a day.",
}

/** Why an import or a re-sync has failed, in words. */
export const describeRunError = (error: string): string => ERRORS[error] ?? error.replaceAll("_", " ")
