import { type ReactNode, useEffect, useId, useRef } from "react"

/** A window over the page. The browser keeps the focus in it, closes it by Escape and gives the focus back. */
export function Dialog({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const heading = useId()
  useEffect(() => {
    const element = dialog.current
    element?.showModal()
    // By itself the browser begins at the button that closes the window.
    element?.querySelector<HTMLElement>("input, textarea, select")?.focus()
    return () => element?.close()
  }, [])
  return (
    <dialog ref={dialog} aria-labelledby={heading} onCancel={(event) => { event.preventDefault(); onClose() }}>
      <div className="dialog-head">
        <h2 id={heading}>{title}</h2>
        <button type="button" className="quiet" onClick={onClose} aria-label="Close">✕</button>
      </div>
      {children}
    </dialog>
  )
}

/** Asks before something is done that cannot be taken back. */
export function Confirm(props: {
  title: string
  action: string
  children: ReactNode
  onConfirm: () => void
  onClose: () => void
}) {
  return (
    <Dialog title={props.title} onClose={props.onClose}>
      <p>{props.children}</p>
      <div className="actions">
        <button type="button" onClick={props.onClose}>Cancel</button>
        <button type="button" className="danger" onClick={props.onConfirm}>{props.action}</button>
      </div>
    </Dialog>
  )
}
