import type { Row } from "../clients.ts"
import { commitmentOf, COMMITMENTS } from "../commitments.ts"

/** How much its owner is bound to a product, where that is said. */
export function CommitmentTag({ product }: { product: Pick<Row<"products">, "commitment"> }) {
  const commitment = commitmentOf(product)
  if (commitment === null) return null
  return <span className="tag" title={`It ${COMMITMENTS[commitment].meaning}.`}>{COMMITMENTS[commitment].name}</span>
}
