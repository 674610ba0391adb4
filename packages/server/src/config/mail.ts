/** Mail addresses in the narrow form that needs no quoting, so that one can stand in a header or an SMTP command as it is. */

/** `Fraud desk <alerts@bank.example>`: a name may be missing. */
export interface Mailbox {
  readonly name: string;
  readonly address: string;
}

const LOCAL = /^[A-Za-z0-9_'+=-]+(\.[A-Za-z0-9_'+=-]+)*$/;
const DOMAIN = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;
/** RFC 5321 4.5.3.1. */
const LOCAL_LENGTH = 64;
const DOMAIN_LENGTH = 255;

/** True for one address; no list, no comment, no quoted part, no `%` or `!` that a relay could take for a route. */
export function isAddress(text: string): boolean {
  const [local = "", domain = "", ...rest] = text.split("@");
  const fits = local.length <= LOCAL_LENGTH && domain.length <= DOMAIN_LENGTH;
  return rest.length === 0 && fits && LOCAL.test(local) && DOMAIN.test(domain);
}

/** Undefined for anything that is not one mailbox. */
export function parseMailbox(text: string): Mailbox | undefined {
  const [, name = "", address = text] = /^([\p{L}\p{N} ._'-]{0,100})<([^<>]*)>$/u.exec(text) ?? [];
  return isAddress(address) ? { name: name.trim(), address } : undefined;
}

/** What {@link addressFrom} fills in. */
interface AddressParts {
  readonly userId: string;
  readonly tenant: string;
}

const PART = /\{(userId|tenant)\}/g;
/** The one rule that lets a user id bring its own domain. */
const WHOLE_ADDRESS = "{userId}";

/** True for `{userId}` alone and for an address whose parts may hold `{userId}` and `{tenant}`. */
export function isAddressRule(rule: string): boolean {
  return rule === WHOLE_ADDRESS || isAddress(rule.replace(PART, "x"));
}

/** The address that a rule gives a user; undefined where that is none, which is how a part that would move the mail elsewhere ends. */
export function addressFrom(rule: string, parts: AddressParts): string | undefined {
  const address = rule.replace(PART, (_, part: keyof AddressParts) => parts[part]);
  return isAddress(address) ? address : undefined;
}
