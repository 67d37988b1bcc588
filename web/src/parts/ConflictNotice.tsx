import type { ReactNode } from "react"

/** Shows what a row has become since it was opened, above what its editor has written. */
export function ConflictNotice(props: { children: ReactNode; onTakeTheirs: () => void; onSaveMine: () => void }) {
  return (
    <div className="conflict" role="alert">
      <p>Somebody has changed this since you opened it. It is now:</p>
      {props.children}
      <p>Below is yours.</p>
      <div className="actions">
        <button type="button" onClick={props.onTakeTheirs}>Take theirs</button>
        <button type="button" onClick={props.onSaveMine}>Save mine over it</button>
      </div>
    </div>
  )
}
