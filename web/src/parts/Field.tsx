import { type ReactElement, cloneElement, useId } from "react"

/** An input with its label, and a word of help below it. */
export function Field(props: { label: string; help?: string; children: ReactElement<Record<string, unknown>> }) {
  const id = useId()
  const help = props.help ? `${id}-help` : undefined
  return (
    <div className="field">
      <label htmlFor={id}>{props.label}</label>
      {cloneElement(props.children, { id, "aria-describedby": help })}
      {props.help && <small id={help}>{props.help}</small>}
    </div>
  )
}
