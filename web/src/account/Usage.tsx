import { useQuery } from "@tanstack/react-query"
import { Link } from "wouter"
import { type Schema, useClients } from "../clients.ts"
import { Answer } from "../parts/Answer.tsx"

// What is in the trash is a part of the text, and has no limit of its own.
type Held = Exclude<keyof Schema<"Usage">, "trash_bytes">
const NAMES: Record<Held, string> = {
  products: "Products",
  repositories: "Repositories",
  work_items: "Work items",
  documents: "Documents",
  app_info: "App info",
  bytes: "Text",
}

/** How much the account holds, and how much it may. */
export function Usage() {
  const { api } = useClients()
  const account = useQuery({
    queryKey: ["account"],
    queryFn: async ({ signal }) => (await api.GET("/api/account", { signal })).data ?? null,
  })
  return (
    <section className="panel" aria-labelledby="usage">
      <h2 id="usage">Usage</h2>
      <p className="muted">Once a limit is reached, nothing can be added. Reading, exporting and deleting always work.</p>
      <Answer of={account}>
        {(found) =>
          found === null ? null : (
            <table className="usage">
              <thead className="unseen"><tr><th scope="col">What</th><th scope="col">How full</th><th scope="col">Held</th></tr></thead>
              <tbody>
                {(Object.keys(NAMES) as Held[]).map((held) => (
                  <Line
                    key={held}
                    held={held}
                    count={found.usage[held]}
                    most={found.limits[held]}
                    inTrash={held === "bytes" ? found.usage.trash_bytes : 0}
                  />
                ))}
              </tbody>
            </table>
          )
        }
      </Answer>
    </section>
  )
}

type LineProps = { held: Held; count: number; most: number | null; inTrash: number }

function Line({ held, count, most, inTrash }: LineProps) {
  const write = held === "bytes" ? formatBytes : formatCount
  const isFull = most !== null && count >= most
  return (
    <tr>
      <th scope="row">{NAMES[held]}</th>
      <td>{most !== null && <progress value={Math.min(count, most)} max={most || 1} aria-label={`${NAMES[held]}, how full`} />}</td>
      <td className={isFull ? "refusal" : undefined}>
        {write(count)}{most === null ? ", without a limit" : ` of ${write(most)}`}{isFull && ", full"}
        {inTrash > 0 && <>, {write(inTrash)} in the <Link href="/trash">trash</Link></>}
      </td>
    </tr>
  )
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"]
const STEP = 1024

const formatCount = (count: number): string => count.toLocaleString()

function formatBytes(bytes: number): string {
  const power = bytes === 0 ? 0 : Math.min(Math.floor(Math.log(bytes) / Math.log(STEP)), UNITS.length - 1)
  return `${(bytes / STEP ** power).toLocaleString(undefined, { maximumFractionDigits: 1 })} ${UNITS[power]}`
}
