import DOMPurify from "dompurify"
import { Marked } from "marked"
import { useMemo } from "react"

const marked = new Marked({
  gfm: true,
  renderer: {
    // A picture from elsewhere would tell its host who reads what and when; the page's policy refuses it anyway.
    image: ({ href, text }) => `<a href="${escapeHtml(href)}">${escapeHtml(text || href)}</a>`,
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
  },
})

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

// Whoever can write a document, an agent included, could run a script in its reader's session otherwise. Forms and styles
// could imitate the page around them.
DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName === "A") {
    node.setAttribute("rel", "noopener noreferrer")
    node.setAttribute("target", "_blank")
  }
  // What scrolls has to be reached by the keyboard.
  if (node.tagName === "PRE" || node.tagName === "TABLE") node.setAttribute("tabindex", "0")
})
const KEPT = {
  USE_PROFILES: { html: true },
  FORBID_TAGS: ["style", "form", "input", "button", "img", "video", "audio"],
  FORBID_ATTR: ["style", "class", "id", "name"],
}

/** A document's text as it is meant. */
export default function Markdown({ text }: { text: string }) {
  const html = useMemo(
    () => DOMPurify.sanitize(marked.parse(text, { async: false }), { ...KEPT, RETURN_TRUSTED_TYPE: true }),
    [text],
  )
  // React passes a TrustedHTML on as it is; its types know strings only.
  return <div className="markdown" dangerouslySetInnerHTML={{ __html: html as unknown as string }} />
}
