/** The desk's keys, for who looks for them. */
import type { ReactElement } from "react";
import styles from "../app.module.css";
import { SHORTCUTS } from "./shortcuts.ts";

export function KeysHelp(): ReactElement {
  return (
    <>
      <button type="button" className={styles.tool} popoverTarget="keys">
        Keys
      </button>
      <div id="keys" popover="auto" className={styles.keys} role="dialog" aria-label="Keys">
        <dl>
          {Object.values(SHORTCUTS).map(({ keys, does }) => (
            <div key={keys}>
              <dt>
                <kbd>{keys}</kbd>
              </dt>
              <dd>{does}</dd>
            </div>
          ))}
        </dl>
      </div>
    </>
  );
}
