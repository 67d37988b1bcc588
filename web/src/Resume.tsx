import { Link } from "wouter"
import { NoProducts } from "./Products.tsx"
import { Answer } from "./parts/Answer.tsx"
import { ProductIcon } from "./parts/ProductIcon.tsx"
import { PRIORITIES } from "./product/Card.tsx"
import { type Resumed, useResume, useWarnings } from "./resume.ts"

/** What is in progress, what is next and what is wrong, across all products. */
export function Resume() {
  const products = useResume()
  const warnings = useWarnings()
  return (
    <>
      <div className="page-head"><h1>Resume</h1></div>
      {warnings.data && warnings.data.length > 0 && (
        <ul className="notice warnings" aria-label="What is wrong">
          {warnings.data.map((each) => <li key={each.id}><Link href={each.path}>{each.text}</Link></li>)}
        </ul>
      )}
      <Answer of={products}>
        {(rows) => (rows.length === 0 ? <NoProducts /> : <div className="resume">{rows.map((row) => <Product key={row.id} product={row} />)}</div>)}
      </Answer>
    </>
  )
}

function Product({ product }: { product: Resumed }) {
  const base = `/products/${product.id}`
  const { in_progress, next, pinned, trouble } = product
  const isQuiet = in_progress.length + next.length + trouble.length === 0
  return (
    <section className="resumed" aria-label={product.name} style={{ "--accent": product.color ?? undefined } as React.CSSProperties}>
      <h2><Link href={base}><ProductIcon product={product} /><span>{product.name}</span></Link></h2>
      <Items title="In progress" items={in_progress} base={base} />
      <Items title="Next" items={next} base={base} />
      {trouble.length > 0 && (
        <>
          <h3>Wrong</h3>
          <ul>
            {trouble.map((each) => (
              <li key={each.id}><Link href={`${base}/repositories`}>{each.full_name ?? each.name}</Link> <span className="tag warn">{each.sync_state?.replaceAll("_", " ")}</span></li>
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
      {isQuiet && <p className="muted">Nothing is to be done here.</p>}
    </section>
  )
}

function Items({ title, items, base }: { title: string; items: Resumed["next"]; base: string }) {
  if (items.length === 0) return null
  return (
    <>
      <h3>{title}</h3>
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
