/** `npm run size -w @broadtape/client`: what the SDK weighs in a page. */
import { bundles } from "./bundle.ts";

for (const { name, bytes, gzipBytes } of await bundles()) {
  console.log(`${name}: ${(gzipBytes / 1024).toFixed(1)} KB gzip, ${(bytes / 1024).toFixed(1)} KB minified`);
}
