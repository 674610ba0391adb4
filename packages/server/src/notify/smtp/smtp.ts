/** The notifier that sends a mail: one connection, one message, one receiver. */
import { createHash } from "node:crypto";
import MailComposer from "nodemailer/lib/mail-composer";
import { addressFrom, isAddress, type Mailbox } from "../../config/mail.ts";
import { type Clock, isoTime } from "../../engine/clock.ts";
import { type Notice, type Notifier, NotifyError } from "../notifier.ts";
import { converse, serverOf } from "./conversation.ts";

/** Who the mail of a user goes to; undefined where nobody can be told by mail. */
type AddressOf = (tenant: string, userId: string) => Promise<string | undefined> | string | undefined;

export interface SmtpOptions {
  /** `smtp://` or `smtps://`, see {@link serverOf}. */
  readonly url: string;
  readonly from: Mailbox;
  readonly addressOf: AddressOf;
  readonly clock: Pick<Clock, "now">;
}

/** Addresses by the rule in `BROADTAPE_NOTIFY_TO`: events name users and no addresses. */
export function addressesBy(rule: string): AddressOf {
  return (tenant, userId) => addressFrom(rule, { tenant, userId });
}

export function createSmtpNotifier({ url, from, addressOf, clock }: SmtpOptions): Notifier {
  const server = serverOf(url);
  return {
    kind: "smtp",
    async send(notice, signal) {
      const to = await addressOf(notice.tenant, notice.userId);
      // Whoever looked it up, what reaches a header and an SMTP command is one plain address.
      if (to === undefined || !isAddress(to)) throw new NotifyError("permanent", "the user has no mail address");
      const message = await compose(notice, { from, to, now: clock.now() });
      await converse(server, { from: from.address, to, message, signal });
    },
  };
}

interface Letter {
  readonly from: Mailbox;
  readonly to: string;
  readonly now: number;
}

/** Mail lies open on its way and for years after: it says that there is something to see, not what. */
async function compose(notice: Notice, { from, to, now }: Letter): Promise<Buffer> {
  const composer = new MailComposer({
    from: { name: from.name, address: from.address },
    to: { name: "", address: to },
    subject: "Alert about a transaction on your account",
    messageId: messageIdOf(notice, from),
    date: new Date(now),
    // RFC 3834: nobody's out-of-office answers it.
    headers: { "Auto-Submitted": "auto-generated" },
    text: [
      "A transaction on your account needs your attention,\nand none of your devices has confirmed the alert so far.",
      "Please sign in to see what happened.\nFor your safety this message holds no details and no links.",
      `Reference: ${printable(notice.eventId)}\nRaised at: ${isoTime(notice.storedAt)}`,
    ].join("\n\n"),
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return composer.compile().build();
}

/** The same for every try, so that mail programs show a repetition once. */
function messageIdOf({ tenant, idempotencyKey }: Notice, { address }: Mailbox): string {
  const hash = createHash("sha256")
    .update(JSON.stringify([tenant, idempotencyKey]))
    .digest("hex")
    .slice(0, 40);
  return `<${hash}@${address.slice(address.indexOf("@") + 1)}>`;
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, 300);
}
