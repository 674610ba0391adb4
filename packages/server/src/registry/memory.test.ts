import { describe } from "vitest";
import { registryContract } from "./contract-tests.ts";
import { createMemoryRegistry } from "./memory.ts";

describe("the registry in memory", () => {
  registryContract(async () => Promise.resolve(createMemoryRegistry()));
});
