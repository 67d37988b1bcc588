import type { Row } from "../clients.ts"

/** The product's emoji, or the first letter of its name, on its colour. */
export function ProductIcon({ product }: { product: Pick<Row<"products">, "name" | "icon" | "color"> }) {
  // An icon may also be a name that another client knows a picture for.
  const isEmoji = product.icon !== null && /\p{Extended_Pictographic}/u.test(product.icon)
  return (
    <span className="product-icon" style={{ borderColor: product.color ?? undefined }} aria-hidden="true">
      {isEmoji ? product.icon : [...product.name][0]}
    </span>
  )
}
