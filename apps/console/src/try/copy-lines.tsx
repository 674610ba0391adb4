/** The same as lines to copy: one at a time, as chosen. */
import { type ReactElement, useId, useState } from "react";
import { LANGUAGES, type Language, type Lines, tokenLine } from "./lines.ts";
import styles from "./try.module.css";

interface Properties {
  readonly title: string;
  readonly lines: Lines;
  readonly token: () => Promise<string>;
}

export function CopyLines({ title, lines, token }: Properties): ReactElement {
  const [language, setLanguage] = useState<Language>("curl");
  const [said, setSaid] = useState("");
  const id = useId();
  const copy = (text: string | Promise<string>, what: string) => {
    void Promise.resolve(text)
      .then((each) => navigator.clipboard.writeText(each))
      .then(
        () => setSaid(`${what} copied`),
        () => setSaid("The browser did not let the page copy: select the text instead."),
      );
  };
  return (
    <section className={styles.lines} aria-labelledby={id}>
      <div className={styles.bar}>
        <h3 id={id}>{title}</h3>
        <div role="group" aria-label={`${title}: in which language`} className={styles.choice}>
          {LANGUAGES.map((each) => (
            <button key={each} type="button" aria-pressed={each === language} onClick={() => setLanguage(each)}>
              {each}
            </button>
          ))}
        </div>
        <span className={styles.push} />
        <span role="status" aria-label={`${title}: copied`} className={styles.said}>
          {said}
        </span>
        <button type="button" onClick={() => copy(token().then(tokenLine), "Token line")} title="export BROADTAPE_TOKEN=…">
          Copy token
        </button>
        <button type="button" onClick={() => copy(lines[language], language)}>
          Copy
        </button>
      </div>
      <pre tabIndex={0} aria-label={`${title}: ${language}`}>
        {lines[language]}
      </pre>
    </section>
  );
}
