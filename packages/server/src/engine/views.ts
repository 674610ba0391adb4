/** State folded from the log, and its checkpoints (design.md, idea 2). Folding is synchronous and in log order. */
import type { CheckpointEntry } from "../log/log.ts";
import { parseJson } from "@broadtape/protocol/json";
import { OverEntities } from "./over.ts";
import type { DomainEvent, Due, Entry, Product, States, View } from "./product.ts";

interface Table {
  readonly view: View<unknown>;
  /** By tenant, then by entity. */
  readonly tenants: Map<string, Map<string, Entry<unknown>>>;
  size: number;
}

/** Which entity, of a view by its name. */
export interface EntityName {
  readonly view: string;
  readonly tenant: string;
  readonly entity: string;
}

/** The entities of one view and tenant. */
export interface EntityNames extends Omit<EntityName, "entity"> {
  readonly entities: readonly string[];
}

/** An entity whose state lapses by time. */
export interface DueEntity {
  readonly view: View<unknown>;
  readonly tenant: string;
  readonly entity: string;
}

export class Views implements States {
  readonly #tables: Table[];
  readonly #byView: Map<View<unknown>, Table>;
  readonly #byName: Map<string, Table>;
  readonly #productTables: Map<Product, Table[]>;
  /** Entities changed since the last checkpoint, by table. Bounded by the entities themselves. */
  readonly #dirty = new Map<Table, Set<string>>();
  readonly #over: OverEntities<{ readonly table: Table; readonly tenant: string; readonly entity: string }>;
  /** Names the fold code: checkpoints of another version are of no use. */
  readonly version: string;
  /** Called with each entity whose state changed. */
  onChange: ((view: View<unknown>, tenant: string, entity: string) => void) | undefined;
  onDue: ((entity: DueEntity, due: Due) => void) | undefined;
  /** Called with each entity before it becomes another one, and with what it was: undefined where there was none. */
  onReplace: ((name: EntityName, entry: Entry<unknown> | undefined) => void) | undefined;

  /** @param keptMs how long entities to which nothing more happens are kept; the same on every node */
  constructor(products: readonly Product[], keptMs = Infinity) {
    this.#over = new OverEntities(keptMs);
    this.#productTables = new Map(
      products.map((product) => [
        product,
        product.views.map((view) => ({ view, tenants: new Map<string, Map<string, Entry<unknown>>>(), size: 0 })),
      ]),
    );
    this.#tables = [...this.#productTables.values()].flat();
    this.#byView = new Map(this.#tables.map((table) => [table.view, table]));
    this.#byName = new Map(this.#tables.map((table) => [table.view.name, table]));
    this.version = this.#tables.map(({ view }) => `${view.name}@${view.version}`).join(",");
  }

  /** Entities held, by view; a metric. */
  sizes(): ReadonlyMap<string, number> {
    return new Map(this.#tables.map((table) => [table.view.name, table.size]));
  }

  /** Entities held to which nothing more happens; a metric. */
  get over(): number {
    return this.#over.size;
  }

  /** Folds one event into its product's views. */
  fold(product: Product, event: DomainEvent): void {
    for (const { table, tenant, entity } of this.#over.due(event.storedAt)) this.#forget(table, tenant, entity);
    for (const table of this.#productTables.get(product) ?? []) {
      const entity = table.view.entityOf(event);
      if (entity !== undefined) this.#foldEntity(table, entity, event);
    }
  }

  /** Whether folding a draft of this type for this entity would make a new entity beyond `limit` entities of its view. */
  isFull(limit: number): boolean {
    return this.#tables.some((table) => table.size >= limit);
  }

  entry<S>(view: View<S>, tenant: string, entity: string): Entry<S> | undefined {
    // A table holds nothing but what its own view's fold returned.
    return this.#byView.get(view)?.tenants.get(tenant)?.get(entity) as Entry<S> | undefined;
  }

  entities<S>(view: View<S>, tenant: string): Iterable<readonly [string, Entry<S>]> {
    const entries = this.#byView.get(view)?.tenants.get(tenant) ?? new Map<string, Entry<unknown>>();
    return entries as ReadonlyMap<string, Entry<S>>;
  }

  /** All there are now. Costs a reference an entity, so that those of a view of a million are taken within one turn. */
  entityNames(): readonly EntityNames[] {
    return this.#tables.flatMap(({ view, tenants }) =>
      [...tenants].map(([tenant, table]) => ({ view: view.name, tenant, entities: [...table.keys()] })),
    );
  }

  /** As {@link entry}. Folding makes new entries and changes none. */
  entryOf({ view, tenant, entity }: EntityName): Entry<unknown> | undefined {
    return this.#byName.get(view)?.tenants.get(tenant)?.get(entity);
  }

  /** Names of all views. */
  names(): readonly string[] {
    return this.#tables.map(({ view }) => view.name);
  }

  /** What lapses by time alone if nothing happens before. */
  dueOf({ view, tenant, entity }: DueEntity): Due | undefined {
    const entry = this.entry(view, tenant, entity);
    return entry === undefined ? undefined : view.due?.(entry.state, entity);
  }

  /** Everything that changed since the last call, as checkpoint entries. */
  takeDirty(): CheckpointEntry[] {
    const entries: CheckpointEntry[] = [];
    for (const [table, keys] of this.#dirty) {
      for (const key of keys) {
        const [tenant = "", entity = ""] = key.split("\u0000");
        const entry = table.tenants.get(tenant)?.get(entity);
        entries.push({ view: table.view.name, tenant, entity, state: entry === undefined ? null : JSON.stringify(entry) });
      }
    }
    this.#dirty.clear();
    return entries;
  }

  /** Puts back what {@link takeDirty} took when the checkpoint could not be saved. */
  putBackDirty(entries: readonly CheckpointEntry[]): void {
    for (const entry of entries) {
      const table = this.#byName.get(entry.view);
      if (table !== undefined) this.#markDirty(table, entry.tenant, entry.entity);
    }
  }

  /** Every entity counts as changed. */
  markAllDirty(): void {
    for (const table of this.#byName.values()) {
      for (const [tenant, entities] of table.tenants) for (const entity of entities.keys()) this.#markDirty(table, tenant, entity);
    }
  }

  /** Takes the states of a checkpoint of this version. */
  restore(entries: readonly CheckpointEntry[]): void {
    const restored = entries.flatMap(({ view, tenant, entity, state }) => {
      const table = this.#byName.get(view);
      // Written by takeDirty of the same view at the same version.
      return table === undefined || state === null ? [] : [{ table, tenant, entity, entry: parseJson(state) as Entry<unknown> }];
    });
    // In the order in which the log made them.
    restored.sort((a, b) => a.entry.offset - b.entry.offset);
    for (const { table, tenant, entity, entry } of restored) this.#set(table, tenant, entity, entry);
  }

  #foldEntity(table: Table, entity: string, event: DomainEvent): void {
    const before = table.tenants.get(event.tenant)?.get(entity);
    const state = table.view.fold(before?.state, event);
    if (state === before?.state) return;
    this.#markDirty(table, event.tenant, entity);
    this.onChange?.(table.view, event.tenant, entity);
    if (state === undefined) this.#forget(table, event.tenant, entity);
    else this.#set(table, event.tenant, entity, { state, offset: event.offset, storedAt: event.storedAt });
  }

  #forget(table: Table, tenant: string, entity: string): void {
    this.#markDirty(table, tenant, entity);
    this.#over.delete(overKey(table, tenant, entity));
    const entities = table.tenants.get(tenant);
    const before = entities?.get(entity);
    if (entities === undefined || before === undefined) return;
    this.onReplace?.({ view: table.view.name, tenant, entity }, before);
    entities.delete(entity);
    table.size -= 1;
  }

  #set(table: Table, tenant: string, entity: string, entry: Entry<unknown>): void {
    let entities = table.tenants.get(tenant);
    if (entities === undefined) table.tenants.set(tenant, (entities = new Map<string, Entry<unknown>>()));
    const before = entities.get(entity);
    if (before === undefined) table.size += 1;
    this.onReplace?.({ view: table.view.name, tenant, entity }, before);
    entities.set(entity, entry);
    if (table.view.isOver?.(entry.state) === true)
      this.#over.add(overKey(table, tenant, entity), { table, tenant, entity }, entry.storedAt);
    else if (table.view.isOver !== undefined) this.#over.delete(overKey(table, tenant, entity));
    const due = table.view.due?.(entry.state, entity);
    if (due !== undefined) this.onDue?.({ view: table.view, tenant, entity }, due);
  }

  #markDirty(table: Table, tenant: string, entity: string): void {
    let keys = this.#dirty.get(table);
    if (keys === undefined) this.#dirty.set(table, (keys = new Set()));
    keys.add(`${tenant}\u0000${entity}`);
  }
}

function overKey({ view }: Table, tenant: string, entity: string): string {
  return `${view.name}\u0000${tenant}\u0000${entity}`;
}
