/** A thing that fails again and again for one reason: told of once, until it works again. */
export class Outage {
  readonly #tell: (error: unknown) => void;
  #isOn = false;

  constructor(tell: (error: unknown) => void) {
    this.#tell = tell;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  failed(error: unknown): void {
    if (!this.#isOn) this.#tell(error);
    this.#isOn = true;
  }

  over(): void {
    this.#isOn = false;
  }
}
