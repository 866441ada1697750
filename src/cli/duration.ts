import { InvalidArgumentError } from "commander";
import { parseDuration } from "../config/units.ts";

/** ns of `5m`, `90s`, or of so many seconds without a unit; at most `mostNs`. */
export function durationArgument(mostNs: number): (text: string) => number {
  return (text) => {
    const ns = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) * 1e9 : parseDuration(text);
    if (ns === undefined || !(ns > 0) || ns > mostNs) {
      throw new InvalidArgumentError(`expected a duration such as 30s or 5m, at most ${mostNs / 3600e9} h`);
    }
    return ns;
  };
}
