/** The kinds of rows, as history, trash and search name them. */
export const ENTITIES = {
  products: "Product",
  repositories: "Repository",
  work_items: "Work item",
  documents: "Document",
  app_info: "App info",
} as const
export type Entity = keyof typeof ENTITIES

const PLACES: Record<Exclude<Entity, "products">, (id: string) => string> = {
  work_items: (id) => `/work/${id}`,
  documents: (id) => `/documents/${id}`,
  repositories: () => "/repositories",
  app_info: () => "/app-info",
}

/** Where the page shows a row. */
export function placeOf(row: { entity: Entity; id: string; product_id: string | null }): string {
  if (row.entity === "products" || row.product_id === null) return `/products/${row.product_id ?? row.id}`
  return `/products/${row.product_id}${PLACES[row.entity](row.id)}`
}

/** How many of what: `3 documents, 1 work item`. */
export function describeCounts(counts: Partial<Record<Entity, number>>): string {
  return (Object.entries(counts) as [Entity, number][])
    .filter(([, count]) => count > 0)
    .map(([entity, count]) => `${count} ${nameOf(entity, count)}`)
    .join(", ")
}

function nameOf(entity: Entity, count: number): string {
  if (entity === "app_info") return count === 1 ? "entry of app info" : "entries of app info"
  return count === 1 ? ENTITIES[entity].toLowerCase() : entity.replace("_", " ")
}
