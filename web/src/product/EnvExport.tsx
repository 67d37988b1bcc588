import { useMutation } from "@tanstack/react-query"
import { useState } from "react"
import { type Row, type Schema, useClients } from "../clients.ts"
import { Dialog } from "../parts/Dialog.tsx"
import { Field } from "../parts/Field.tsx"
import { useSay } from "../parts/notices.tsx"
import { explain } from "../problems.ts"
import type { Environment } from "./environments.ts"
import { EnvironmentChoice } from "./EnvironmentChoice.tsx"

type Format = NonNullable<Schema<"EnvImport">["format"]>
const FORMATS: Record<Format, { name: string; file: string }> = {
  dotenv: { name: "dotenv", file: "forum.env" },
  docker: { name: "Docker", file: "docker.env" },
  shell: { name: "Shell", file: "env.sh" },
  json: { name: "JSON", file: "env.json" },
}

/** Writes a product's environment variables into a file. */
export function EnvExport({ product, onClose }: { product: Row<"products">; onClose: () => void }) {
  const { api } = useClients()
  const say = useSay()
  const [format, setFormat] = useState<Format>("dotenv")
  const [environment, setEnvironment] = useState<Environment>()
  const [withSecrets, setWithSecrets] = useState(false)
  const save = useMutation({
    gcTime: 0,
    mutationFn: async () => {
      const query = { product_id: product.id, format, include_secrets: withSecrets, ...(environment && { environment }) }
      const { data, response } = await api.GET("/api/app-info/export", { params: { query }, parseAs: "blob" })
      return { file: data as Blob | undefined, leftOut: Number(response.headers.get("Forum-Left-Out-Count") ?? 0) }
    },
    onSuccess: ({ file, leftOut }) => {
      // An empty one is none to openapi-fetch.
      if (file) offer(file, nameFile(format, environment))
      if (leftOut > 0) say(`${leftOut} entries are not in the file: secrets, or what is no environment variable.`)
      onClose()
    },
  })
  return (
    <Dialog title="Download the environment" onClose={onClose}>
      <form onSubmit={(event) => { event.preventDefault(); save.mutate() }}>
        <Field label="Format">
          <select value={format} onChange={(event) => setFormat(event.target.value as Format)}>
            {Object.entries(FORMATS).map(([id, { name }]) => <option key={id} value={id}>{name}</option>)}
          </select>
        </Field>
        <EnvironmentChoice label="Values" none="The entries' own" chosen={environment} onChoose={setEnvironment} help={environment && "Where it has none of its own, the entries'."} />
        <label className="check">
          <input type="checkbox" checked={withSecrets} onChange={(event) => setWithSecrets(event.target.checked)} />
          With the secrets, each of which counts as revealed
        </label>
        {save.error && <p className="refusal" role="alert">{explain(save.error)}</p>}
        <div className="actions"><button type="submit" className="primary" disabled={save.isPending}>Download</button></div>
      </form>
    </Dialog>
  )
}

/** `forum.env`, or `forum.production.env`. */
function nameFile(format: Format, environment: Environment | undefined): string {
  const { file } = FORMATS[format]
  return environment ? file.replace(".", `.${environment}.`) : file
}

function offer(file: Blob, name: string): void {
  const link = document.createElement("a")
  // Of text a browser makes `.txt`.
  link.href = URL.createObjectURL(new Blob([file], { type: "application/octet-stream" }))
  link.download = name
  link.click()
  URL.revokeObjectURL(link.href)
}
