/** What the desk does not do, and why; told to whoever asked. */
export class DeskRefusal extends Error {
  override readonly name = "DeskRefusal";
  readonly statusCode: 400 | 404 | 409 | 429 | 503;

  constructor(statusCode: DeskRefusal["statusCode"], message: string) {
    super(message);
    this.statusCode = statusCode;
  }
}
