import type { Row, Schema } from "./clients.ts"

export type Commitment = NonNullable<Schema<"ProductRead">["commitment"]>

/** How much the owner is bound to a product, the most first. */
export const COMMITMENTS: Record<Commitment, { name: string; meaning: string }> = {
  must: { name: "Must", meaning: "has to go on" },
  support: { name: "Support", meaning: "is kept alive" },
  want: { name: "Want", meaning: "goes on when there is time" },
  parked: { name: "Parked", meaning: "rests" },
}

/** What the database has, which knows no other ones. */
export const commitmentOf = (product: Pick<Row<"products">, "commitment">): Commitment | null =>
  product.commitment as Commitment | null
