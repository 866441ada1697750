import { join, resolve } from "node:path";

/** build/ of the checkout, the same path as on the host. */
export const build = join(resolve(import.meta.dirname, "../.."), "build");
