import packageJson from "../../package.json" with { type: "json" };

/** Of AOD, as in package.json. */
export const version: string = packageJson.version;
