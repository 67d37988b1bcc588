import type { SupabaseClient } from "@supabase/supabase-js"
import type { Database } from "../../supabase/database.types.ts"
import type { Row } from "./clients.ts"
import { Conflict, Gone } from "./problems.ts"

type Versioned = "products" | "work_items" | "documents" | "app_info"

/**
 * Changes a row if it still is the version that was read. Throws `Conflict` with the current row, or `Gone`.
 *
 * The condition travels with the change, so nobody can come between.
 */
export async function changeRow<Table extends Versioned>(
  supabase: SupabaseClient<Database>,
  table: Table,
  row: { id: string; version: number },
  changes: Database["public"]["Tables"][Table]["Update"],
): Promise<Row<Table>> {
  // supabase-js cannot follow a table that is a type parameter; the signature above keeps the callers honest.
  const rows = (supabase as SupabaseClient).from(table)
  const { data } = await rows.update(changes).match({ id: row.id, version: row.version }).select().throwOnError()
  if (data[0]) return data[0] as Row<Table>
  const { data: found } = await (supabase as SupabaseClient).from(table).select().eq("id", row.id).throwOnError()
  if (found[0]) throw new Conflict(found[0] as Row<Table>)
  throw new Gone()
}
