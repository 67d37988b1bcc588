import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query"
import { type FormEvent, useState } from "react"
import { type Schema, useClients } from "./clients.ts"
import { Answer } from "./parts/Answer.tsx"
import { Confirm, Dialog } from "./parts/Dialog.tsx"
import { Field } from "./parts/Field.tsx"
import { useSay } from "./parts/notices.tsx"
import { formatDay } from "./parts/times.ts"
import { useTitle } from "./parts/title.ts"
import { useProductNames } from "./product-names.ts"
import { explain } from "./problems.ts"

type Token = Schema<"TokenListItem">
type Grant = Token["grants"][number]
const GRANTS: Record<Grant, string> = {
  work: "Create and change work items",
  docs: "Create and change documents",
  keys: "Create and change app info",
  reveal: "See secrets",
  delete: "Delete work items, documents and app info",
}
const SHOWN = 100

/** The access tokens for agents, CI and scripts. */
export function Tokens() {
  useTitle("Tokens")
  const { api } = useClients()
  const queries = useQueryClient()
  const say = useSay()
  const [isMaking, setMaking] = useState(false)
  const [revoked, setRevoked] = useState<Token>()
  const tokens = useQuery({
    queryKey: ["tokens"],
    queryFn: async () => (await api.GET("/api/tokens", { params: { query: { limit: SHOWN } } })).data?.items ?? [],
  })
  const revoke = useMutation({
    mutationFn: (token: Token) => api.DELETE("/api/tokens/{token_id}", { params: { path: { token_id: token.id } } }),
    onSuccess: () => setRevoked(undefined),
    onError: (error) => say(explain(error), true),
    onSettled: () => queries.invalidateQueries({ queryKey: ["tokens"] }),
  })
  return (
    <>
      <div className="page-head">
        <h1>Tokens</h1>
        <button type="button" className="primary" onClick={() => setMaking(true)}>New token</button>
      </div>
      <Answer of={tokens}>
        {(rows) =>
          rows.length === 0 ? (
            <p className="empty">
              A token lets an agent, CI or a script do a part of what you may do, for as long as you say, and is dead as soon
              as you revoke it.
            </p>
          ) : (
            <ul className="list">
              {rows.map((token) => (
                <li key={token.id}>
                  <div>
                    <strong>{token.name}</strong> <code>…{token.hint}</code>
                    <small>reads{token.grants.map((grant) => `, ${grant}`)}; {stateOf(token)}</small>
                  </div>
                  {isAlive(token) && <button type="button" onClick={() => setRevoked(token)} aria-label={`Revoke ${token.name}`}>Revoke</button>}
                </li>
              ))}
            </ul>
          )
        }
      </Answer>
      {isMaking && <NewToken onClose={() => setMaking(false)} />}
      {revoked && (
        <Confirm title={`Revoke ${revoked.name}?`} action="Revoke" onConfirm={() => revoke.mutate(revoked)} onClose={() => setRevoked(undefined)}>
          Whatever uses it is refused from its next request on. It cannot be taken back.
        </Confirm>
      )}
    </>
  )
}

const isAlive = (token: Token): boolean => !token.revoked_at && new Date(token.expires_at) > new Date()

function stateOf(token: Token): string {
  if (token.revoked_at) return `revoked ${formatDay(token.revoked_at)}`
  const used = token.last_used_at ? `last used ${formatDay(token.last_used_at)}` : "never used"
  return `${isAlive(token) ? "ends" : "ended"} ${formatDay(token.expires_at)}, ${used}`
}

function NewToken({ onClose }: { onClose: () => void }) {
  const { api } = useClients()
  const queries = useQueryClient()
  const say = useSay()
  const [name, setName] = useState("")
  const [productId, setProductId] = useState("")
  const [grants, setGrants] = useState<Grant[]>([])
  const [days, setDays] = useState(90)
  const names = useProductNames()
  const create = useMutation({
    gcTime: 0,
    mutationFn: async () => {
      const body = { name, product_id: productId || null, grants, expires_in_days: days }
      return (await api.POST("/api/tokens", { body })).data?.token
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ["tokens"] }),
  })
  function submit(event: FormEvent): void {
    event.preventDefault()
    create.mutate()
  }
  const token = create.data
  if (token) {
    return (
      <Dialog title={name} onClose={onClose}>
        <p>This is the only time that the token is shown. Forum keeps a hash of it.</p>
        <p className="once">
          <code>{token}</code>
          <button type="button" onClick={() => void navigator.clipboard.writeText(token).then(() => say("The token is copied."))}>Copy</button>
        </p>
        <div className="actions"><button type="button" className="primary" onClick={onClose}>Done</button></div>
      </Dialog>
    )
  }
  return (
    <Dialog title="New token" onClose={onClose}>
      <form onSubmit={submit}>
        <Field label="Name" help="What uses it">
          <input required maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
        </Field>
        <div className="row">
          <Field label="For">
            <select value={productId} onChange={(event) => setProductId(event.target.value)}>
              <option value="">All products</option>
              {[...names.values()].map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
            </select>
          </Field>
          <Field label="Days until it ends">
            <input type="number" min={1} max={366} required value={days} onChange={(event) => setDays(event.target.valueAsNumber)} />
          </Field>
        </div>
        <fieldset>
          <legend>Beside reading, it may</legend>
          {(Object.keys(GRANTS) as Grant[]).map((grant) => (
            <label className="check" key={grant}>
              <input
                type="checkbox"
                checked={grants.includes(grant)}
                onChange={(event) => setGrants(event.target.checked ? [...grants, grant] : grants.filter((each) => each !== grant))}
              />
              {GRANTS[grant]}
            </label>
          ))}
        </fieldset>
        {create.error && <p className="refusal" role="alert">{explain(create.error)}</p>}
        <div className="actions"><button type="submit" className="primary" disabled={create.isPending}>Create</button></div>
      </form>
    </Dialog>
  )
}
