/** Rows of figures: the decimal points of a column one below the other, signs and colours saying the same. */
import { type CSSProperties, type ReactElement, memo } from "react";
import { digitsOf, fractionOf } from "../rfq/digits.ts";
import { PriceText } from "../rfq/price-text.tsx";
import type { Decimal } from "../rfq/rfq-types.ts";
import styles from "./data-table.module.css";

export interface RowLink {
  readonly address: string;
  readonly text: string;
  /** Its accessible name, which begins with the text (WCAG 2.5.3). */
  readonly name: string;
}

export interface Column<Row> {
  readonly name: string;
  readonly title: string;
  /** Its share, and the least that it has: a CSS length. */
  readonly width: string;
  readonly text?: (row: Row) => string;
  /** Instead of a text: a number with the digits that were published. */
  readonly number?: (row: Row) => Decimal | null | undefined;
  /** How the number's digits are written; default: as they are. What is rounded away stands in its title. */
  readonly write?: (digits: string) => string;
  /** Instead of either: where more is told of the row. */
  readonly link?: (row: Row) => RowLink | undefined;
  /** A gain is blue with a plus, a loss orange with a minus. */
  readonly isGain?: boolean;
  /** Left out where the panel is narrow. */
  readonly isOptional?: boolean;
}

interface Properties<Row> {
  readonly columns: readonly Column<Row>[];
  /** A row whose object is the same is not drawn again. */
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  readonly empty: string;
}

export function DataTable<Row>({ columns, rows, keyOf, empty }: Properties<Row>): ReactElement {
  const fractions = columns.map((column) => longest(rows, column, fractionOf));
  const fraction = fractions.join();
  // No figure is ever cut off: a column is as wide as its longest whole part and its longest fraction.
  const widths = columns.map((column, index) => {
    const { width, number } = column;
    const digits = longest(rows, column, wholeOf) + (fractions[index] ?? 0);
    return number === undefined ? width : `max(${width}, calc(${digits + 2}ch + 1rem))`;
  });
  return (
    <>
      <table className={styles.table} style={widthsOf(columns, widths)}>
        <thead>
          <tr>
            {columns.map(({ name, title, number, isOptional }, index) => (
              <th
                key={name}
                scope="col"
                style={{ width: widths[index] }}
                className={number === undefined ? undefined : styles.number}
                data-optional={isOptional}
              >
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <DataRow key={keyOf(row)} id={keyOf(row)} row={row} columns={columns as readonly Column<unknown>[]} fractions={fraction} />
          ))}
        </tbody>
      </table>
      {rows.length === 0 && <p className={styles.empty}>{empty}</p>}
    </>
  );
}

interface RowProperties {
  readonly id: string;
  readonly row: unknown;
  readonly columns: readonly Column<unknown>[];
  /** As text, so that it is the same while it says the same. */
  readonly fractions: string;
}

const DataRow = memo(function DataRow({ id, row, columns, fractions }: RowProperties): ReactElement {
  const lengths = fractions.split(",").map(Number);
  return (
    <tr data-row={id}>
      {columns.map(({ name, text, number, write, link, isGain, isOptional }, index) =>
        number === undefined ? (
          <td key={name} data-field={name} data-optional={isOptional}>
            {link === undefined ? text?.(row) : <Linked to={link(row)} />}
          </td>
        ) : (
          <Figure
            key={name}
            name={name}
            value={number(row) ?? undefined}
            write={write}
            fraction={lengths[index] ?? 0}
            isGain={isGain === true}
            isOptional={isOptional}
          />
        ),
      )}
    </tr>
  );
});

/** In a tab of its own: what is on this page goes on. */
function Linked({ to }: { readonly to: RowLink | undefined }): ReactElement | null {
  if (to === undefined) return null;
  return (
    <a href={to.address} target="_blank" rel="noreferrer" aria-label={to.name} title={to.name}>
      {to.text}
    </a>
  );
}

interface FigureProperties {
  readonly name: string;
  readonly value: Decimal | undefined;
  readonly write: Column<never>["write"];
  readonly fraction: number;
  readonly isGain: boolean;
  readonly isOptional: boolean | undefined;
}

function Figure({ name, value, write, fraction, isGain, isOptional }: FigureProperties): ReactElement {
  const tone = isGain && value !== undefined ? toneOf(value) : undefined;
  return (
    <td className={styles.number} data-tone={tone} data-optional={isOptional}>
      {tone === "up" && <span aria-hidden="true">+</span>}
      <PriceText value={value} fraction={fraction} name={name} write={write} />
    </td>
  );
}

/** What the columns need, with and without those that may be left out; the style sheet knows how wide the panel is. */
function widthsOf(columns: readonly Pick<Column<never>, "isOptional">[], widths: readonly string[]): CSSProperties {
  const sum = (all: readonly string[]) => `calc(${all.join(" + ")})`;
  const needed = widths.filter((_, index) => columns[index]?.isOptional !== true);
  const own: Record<`--${string}`, string> = { "--all": sum(widths), "--needed": sum(needed) };
  return own;
}

/** Which way a decimal points; by its digits, not by a float. */
export function toneOf(value: Decimal): "up" | "down" | undefined {
  const digits = digitsOf(value);
  if (!/[1-9]/.test(digits)) return undefined;
  return digits.startsWith("-") ? "down" : "up";
}

function longest<Row>(rows: readonly Row[], { number, write }: Column<Row>, lengthOf: (digits: string) => number): number {
  if (number === undefined) return 0;
  return rows.reduce((most, row) => {
    const value = number(row);
    if (value == null) return most;
    const digits = digitsOf(value);
    return Math.max(most, lengthOf(write?.(digits) ?? digits));
  }, 0);
}

/** How many characters stand before the point, and its sign. */
function wholeOf(digits: string): number {
  return (digits.split(".")[0] ?? "").length;
}
