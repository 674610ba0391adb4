/** What was acknowledged is there after kill -9, at any moment, where it was said to be, once; and nothing that was readable goes again. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import type { StoredEvent } from "../../packages/server/src/log/../../../protocol/src/event.ts";
import { openSqliteLog, type SqliteLog } from "../../packages/server/src/log/sqlite/sqlite-log.ts";
