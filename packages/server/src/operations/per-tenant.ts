/** One of something for each tenant, bounded: beyond `most`, the tenant that was busy longest ago loses its own. */
export class PerTenant<T> {
  readonly #most: number;
  readonly #make: () => T;
  /** The longest idle first. */
  readonly #all = new Map<string, T>();

  constructor(most: number, make: () => T) {
    this.#most = most;
    this.#make = make;
  }

  /** The tenant's own, made where there is none. */
  of(tenant: string): T {
    const own = this.#all.get(tenant) ?? this.#make();
    this.#all.delete(tenant);
    this.#all.set(tenant, own);
    if (this.#all.size > this.#most) {
      const [idle] = this.#all.keys();
      if (idle !== undefined) this.#all.delete(idle);
    }
    return own;
  }

  find(tenant: string): T | undefined {
    return this.#all.get(tenant);
  }
}
