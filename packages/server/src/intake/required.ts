/** What services are told of the types that they may publish, without their whole schemas. */
import { z } from "zod";
import type { Product } from "../engine/product.ts";

/** Each type that services may publish, with the members that its `data` must have; undefined where it need not be an object. */
export function typesOf(products: readonly Pick<Product, "types">[]): Map<string, readonly string[] | undefined> {
  return new Map(
    products.flatMap(({ types }) =>
      Object.entries(types).flatMap(([name, type]) => (type.internal === true ? [] : [[name, requiredOf(type.schema)] as const])),
    ),
  );
}

function requiredOf(schema: z.ZodType): readonly string[] | undefined {
  const { type, required } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return type === "object" ? (required ?? []) : undefined;
}
