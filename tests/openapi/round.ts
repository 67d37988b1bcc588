// A person's round through Forum with a client generated from openapi.json. Compiled strictly: what the document
// does not say, this does not compile with.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Problem = components["schemas"]["ProblemDocument"];

const [baseUrl, token] = process.argv.slice(2);
const forum = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });

/** What a call answered, where it answered well. */
function taken<T>({ data, error, response }: { data?: T; error?: Problem; response: Response }): T {
  assert.equal(error, undefined, `${response.status}: ${error?.detail}`);
  return data as T;
}

/** The problem of a call that was refused. */
function refused({ error, response }: { error?: Problem; response: Response }, status: number): Problem {
  assert.equal(response.status, status);
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  assert.ok(error);
  assert.equal(error.status, status);
  return error;
}

// Create, and repeat it.
const create = () =>
  forum.POST("/api/products", {
    params: { header: { "Idempotency-Key": "round-1" } },
    body: { name: "Atlas", color: "#336699" },
  });
const product = taken(await create());
const again = await create();
assert.deepEqual(taken(again), product);
assert.equal(again.response.headers.get("Idempotency-Replayed"), "true");

// List.
const page = taken(await forum.GET("/api/products", { params: { query: { q: "atlas", total: true } } }));
assert.equal(page.total, 1);
assert.deepEqual(page.items, [product]);

// Work on it.
const item = taken(await forum.POST("/api/work", { body: { product_id: product.id, title: "Ship the beta" } }));
const path = { work_item_id: item.id };
const skipped = await forum.POST("/api/work/{work_item_id}/status", { params: { path }, body: { status: "done" } });
const allowed: string[] = refused(skipped, 409).allowed ?? [];
assert.deepEqual(allowed, ["in_progress"]);
const started = await forum.POST("/api/work/{work_item_id}/status", {
  params: { path },
  body: { status: "in_progress" },
});
assert.equal(taken(started).status, "in_progress");

// Change the version that was seen, and fail to change the one before.
const tag = started.response.headers.get("ETag") ?? "";
const changed = taken(
  await forum.PATCH("/api/work/{work_item_id}", {
    params: { path, header: { "If-Match": tag } },
    body: { priority: 1, description: null },
  }),
);
assert.equal(changed.version, item.version + 2);
const late = await forum.PATCH("/api/work/{work_item_id}", {
  params: { path, header: { "If-Match": tag } },
  body: { priority: 4 },
});
refused(late, 412);
assert.ok(late.error && "current" in late.error);
const current: components["schemas"]["WorkItemRead"] = late.error.current;
assert.deepEqual(current, changed);

// Many at once.
const { items } = taken(
  await forum.POST("/api/docs/bulk", {
    body: { items: ["Plan", "Notes"].map((title) => ({ product_id: product.id, title })) },
  }),
);
assert.deepEqual(items.map((document) => document.title), ["Plan", "Notes"]);

// The whole, and again only if it has changed.
const detail = await forum.GET("/api/products/{product_id}", { params: { path: { product_id: product.id } } });
assert.equal(taken(detail).work_items[0]?.priority, 1);
assert.equal(taken(detail).documents_count, 2);
const unchanged = await forum.GET("/api/products/{product_id}", {
  params: {
    path: { product_id: product.id },
    header: { "If-None-Match": detail.response.headers.get("ETag") ?? "" },
  },
});
assert.equal(unchanged.response.status, 304);

// Delete.
const gone = { params: { path: { product_id: product.id } } };
assert.equal((await forum.DELETE("/api/products/{product_id}", gone)).response.status, 204);
refused(await forum.GET("/api/products/{product_id}", gone), 404);
refused(await forum.GET("/api/work/{work_item_id}", { params: { path } }), 404);

console.log(product.id);

/** What the types refuse. Never called. */
export async function mistakes(): Promise<void> {
  // @ts-expect-error a field that there is not
  const body: components["schemas"]["ProductCreate"] = { name: "Atlas", colour: "#336699" };
  await forum.POST("/api/products", { body });
  // @ts-expect-error a required field that is missing
  await forum.POST("/api/work", { body: { title: "Ship the beta" } });
  // @ts-expect-error a status that there is not
  await forum.POST("/api/work/{work_item_id}/status", { params: { path }, body: { status: "later" } });
  // @ts-expect-error a parameter that there is not
  await forum.GET("/api/products", { params: { query: { colour: "#336699" } } });
  // @ts-expect-error null for a name
  await forum.PATCH("/api/products/{product_id}", { ...gone, body: { name: null } });
}
