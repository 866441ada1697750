import type { Check } from "../../examine.ts";
import { kerberosSteps } from "../../kerberos/steps.ts";
import { targetText } from "../target.ts";
import type { NfsCase } from "./case.ts";

const isKerberos = (flavor: string): boolean => flavor.startsWith("krb5");

/** Where nothing else is left to the mount than Kerberos: by its sec=, or since the server takes nothing else. */
function wantsKerberos({ intent, flavors = [] }: NfsCase): boolean {
  const left = intent.security ?? flavors;
  return left.length > 0 && left.every(isKerberos);
}

/** What aod doctor kerberos looks at for NFS: rpc.gssd, the machine's key, the KDC, the server's name. */
export const kerberos: readonly Check<NfsCase>[] = kerberosSteps<NfsCase>((of) => {
  if (!wantsKerberos(of)) return undefined;
  const { target, isRoot, reachable, addresses } = of;
  const address = reachable?.address ?? addresses[0];
  return {
    subject: {
      text: targetText(target),
      protocol: "nfs",
      host: target.host,
      ...(address !== undefined && { address }),
    },
    uid: isRoot ? 0 : (process.getuid?.() ?? 0),
  };
});
