import { useState } from "react"
import { Link } from "wouter"
import { ACTORS } from "./actors.ts"
import { NextNote } from "./NextNote.tsx"
import { NoProducts } from "./Products.tsx"
import { Answer } from "./parts/Answer.tsx"
import { CommitmentTag } from "./parts/CommitmentTag.tsx"
import { ProductIcon } from "./parts/ProductIcon.tsx"
import { formatDay, formatUtcDay } from "./parts/times.ts"
import { useTitle } from "./parts/title.ts"
import { PRIORITIES } from "./product/Card.tsx"
import { useProductNames } from "./product-names.ts"
import { describeChanges, listWarnings, type Resumed, useResume, useSeen } from "./resume.ts"

/** What is in progress, what is next and what is wrong, across all products. */
export function Resume() {
  useTitle("Resume")
  const resume = useResume()
  const [noted, setNoted] = useState<string>()
  const warnings = listWarnings(resume.data?.account ?? null)
  return (
    <>
      <div className="page-head"><h1>Resume</h1></div>
      {warnings.length > 0 && (
        <ul className="notice warnings" aria-label="What is wrong">
          {warnings.map((each) => <li key={each.id}><Link href={each.path}>{each.text}</Link></li>)}
        </ul>
      )}
      <Answer of={resume}>
        {(found) =>
          !found || found.products.length === 0 ? (
            <NoProducts />
          ) : (
            <div className="resume">
              {found.products.map((row) => <Product key={row.id} product={row} onNote={() => setNoted(row.id)} />)}
            </div>
          )
        }
      </Answer>
      {noted && <NextNote productId={noted} onClose={() => setNoted(undefined)} />}
    </>
  )
}

function Product({ product, onNote }: { product: Resumed; onNote: () => void }) {
  const base = `/products/${product.id}`
  const icon = useProductNames().get(product.id)?.icon ?? null
  const seen = useSeen()
  const changes = describeChanges(product)
  const { in_progress, next, next_note, pinned, repositories, counts, due_keys } = product
  return (
    <section className="resumed" aria-label={product.name} style={{ "--accent": product.color ?? undefined } as React.CSSProperties}>
      <h2><Link href={base}><ProductIcon product={{ ...product, icon }} /><span>{product.name}</span><CommitmentTag product={product} /></Link></h2>
      {next_note && (
        <p className="note">
          {next_note.text}
          <small>{[next_note.actor && ACTORS[next_note.actor], next_note.changed_at && formatDay(next_note.changed_at)].filter(Boolean).join(", ")}</small>
        </p>
      )}
      <Items title="In progress" items={in_progress} count={counts.in_progress} base={base} />
      <Items title="Next" items={next} count={counts.todo} base={base} />
      {in_progress.length + next.length === 0 && <p className="muted">Nothing is to be done here.</p>}
      {repositories.trouble > 0 && (
        <p><Link href={`${base}/repositories`} className="tag warn">{repositories.trouble === 1 ? "A repository is" : `${repositories.trouble} repositories are`} in trouble</Link></p>
      )}
      {due_keys.length > 0 && (
        <>
          <h3>Keys to renew</h3>
          <ul>
            {due_keys.map((each) => (
              <li key={each.key}>
                <Link href={`${base}/app-info`}>{each.key}</Link>
                <small className="tag warn">{each.expires ? `expires ${formatUtcDay(each.due_at)}` : `due ${formatDay(each.due_at)}`}</small>
              </li>
            ))}
          </ul>
        </>
      )}
      {pinned.length > 0 && (
        <>
          <h3>Pinned</h3>
          <ul>{pinned.map((each) => <li key={each.id}><Link href={`${base}/documents/${each.id}`}>{each.title}</Link></li>)}</ul>
        </>
      )}
      {changes && <p className="muted"><Link href={`${base}/activity`}>{changes}</Link></p>}
      <div className="actions">
        <button type="button" className="quiet" onClick={onNote} aria-label={`Note what is next: ${product.name}`}>Note what is next</button>
        {changes && <button type="button" className="quiet" onClick={() => seen.mutate(product)} aria-label={`Mark as seen: ${product.name}`}>Mark as seen</button>}
      </div>
    </section>
  )
}

function Items({ title, items, count, base }: { title: string; items: Resumed["next"]; count: number; base: string }) {
  if (items.length === 0) return null
  return (
    <>
      <h3>{title} {count > items.length && <Link href={base} className="count">{items.length} of {count}</Link>}</h3>
      <ul>
        {items.map((item) => (
          <li key={item.id}>
            <Link href={`${base}/work/${item.id}`}>{item.title}</Link>
            {item.priority > 0 && <small className={`priority p${item.priority}`}>{PRIORITIES[item.priority]}</small>}
          </li>
        ))}
      </ul>
    </>
  )
}
