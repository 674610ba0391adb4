/** How many updates a second this page takes. */
import { type ReactElement, useEffect, useState } from "react";
import styles from "./watchlist.module.css";
import type { PriceTrails } from "./price-trails.ts";

export function UpdateRate({ trails }: { readonly trails: PriceTrails }): ReactElement {
  const [rate, setRate] = useState(0);
  useEffect(() => {
    let last = trails.count;
    const timer = setInterval(() => {
      setRate(trails.count - last);
      last = trails.count;
    }, 1000);
    return () => clearInterval(timer);
  }, [trails]);
  return (
    <span className={styles.rate} data-field="rate">
      <b>{rate}</b> updates/s
    </span>
  );
}
