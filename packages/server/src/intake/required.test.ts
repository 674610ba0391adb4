import { expect, it } from "vitest";
import { catalogue } from "@broadtape/protocol/catalogue";
import { typesOf } from "./required.ts";

const types = typesOf([{ types: catalogue }]);

it("knows the types that services may publish, and no type of the server's own", () => {
  const published = Object.entries(catalogue).flatMap(([name, type]) => ("internal" in type ? [] : [name]));
  expect([...types.keys()]).toEqual(published);
});

it("asks for no member that a schema does without", () => {
  for (const [name, type] of Object.entries(catalogue)) {
    const missed = (type.schema.safeParse({}).error?.issues ?? []).map(({ path }) => path.join("."));
    expect(missed, name).toEqual(expect.arrayContaining([...(types.get(name) ?? [])]));
  }
  expect(types.get("transaction.created")).toEqual(["userId", "transaction"]);
});
