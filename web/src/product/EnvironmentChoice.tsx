import { Field } from "../parts/Field.tsx"
import { type Environment, ENVIRONMENTS } from "./environments.ts"

type Props = {
  label: string
  /** What it means to choose no environment. */
  none: string
  help: string | undefined
  chosen: Environment | undefined
  onChoose: (environment: Environment | undefined) => void
}

/** Chooses an environment, or none. */
export function EnvironmentChoice({ label, none, help, chosen, onChoose }: Props) {
  return (
    <Field label={label} help={help}>
      <select value={chosen ?? ""} onChange={(event) => onChoose((event.target.value || undefined) as Environment | undefined)}>
        <option value="">{none}</option>
        {Object.entries(ENVIRONMENTS).map(([id, name]) => <option key={id} value={id}>{name}</option>)}
      </select>
    </Field>
  )
}
