import type { Needs } from "../detect/detector.ts";
import type { ProbeSettings } from "../probe/settings.ts";
import { OTHER_COMMAND } from "../smb/commands.ts";

/** The probe reports what some detector needs, and nothing else. */
export function settingsOf(needs: Needs): ProbeSettings {
  const slowUsOf = new Map<number, number | null>();
  for (let code = 0; code <= OTHER_COMMAND; code++) {
    const ns = needs.slowNs.get(code);
    slowUsOf.set(code, ns === undefined || !Number.isFinite(ns) ? null : ns / 1000);
  }
  return { slowUs: null, slowUsOf, inflightUs: needs.inflightNs === undefined ? null : needs.inflightNs / 1000 };
}
