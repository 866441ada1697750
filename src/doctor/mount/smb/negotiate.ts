import type { Choice } from "../../../packets/smb/negotiate.ts";
import { allDialects, type Negotiated } from "../../../smb-client/negotiate.ts";
import { outcomeText } from "../../../smb-client/session.ts";
import type { Finding } from "../../answer.ts";
import type { Check } from "../../examine.ts";
import type { SmbCase } from "./case.ts";
import { ANSWER_MS, hasSmb1, offered } from "./connection.ts";
import { versOf } from "./intent.ts";

/** The first message of SMB, made here: what the server speaks at all, and what it makes of what these options offer. */
export const negotiation: Check<SmbCase> = {
  name: "negotiate",
  limitMs: 60_000,
  async run(of, signal) {
    if (of.reachable === undefined) return { result: "skip", evidence: "no connection to negotiate on" };
    const asked = of.machine.clock.wallMs();
    const best = await offered(of, { dialects: allDialects, signingAlgorithms: [2, 1, 0] }, signal);
    const answered = of.machine.clock.wallMs();
    if (best.state === "timeout") return stalled(of);
    if (best.state !== "agreed") return without(of, best, signal);
    const { choice } = best;
    const skew =
      choice.serverTimeUs === undefined ? {} : { skewMs: skewOf(choice.serverTimeUs / 1000, asked, answered) };
    of.server = { best: choice, ...skew };
    if (of.intent.dialects.length === 0) return smb1Wanted(of, choice, signal);
    const wanted = await offered(of, { dialects: of.intent.dialects }, signal);
    if (wanted.state === "agreed") {
      of.server = { best: choice, wanted: wanted.choice, ...skew };
      return { result: "ok", evidence: choiceText(choice, wanted.choice) };
    }
    return mismatch(of, wanted, signal);
  },
};

/** ms that the server's clock is ahead; 0 where it may lie between question and answer. */
const skewOf = (serverMs: number, asked: number, answered: number): number =>
  serverMs < asked ? serverMs - asked : serverMs > answered ? serverMs - answered : 0;

function choiceText(best: Choice, wanted: Choice): string {
  const { dialect, signing, capabilities, ciphers, signingAlgorithms } = wanted;
  const most = best.dialect === dialect ? "" : `, up to ${best.dialect} if it is asked for`;
  const encryption =
    ciphers.length > 0
      ? `encryption ${ciphers.join(", ")}`
      : capabilities.includes("encryption")
        ? "encryption AES-128-CCM"
        : "no encryption";
  const others = capabilities.filter((name) => name !== "encryption");
  const lines = [
    `SMB ${dialect} agreed${most}; signing ${signing}${signingAlgorithms.length > 0 ? ` (${signingAlgorithms.join(", ")})` : ""}; ${encryption}`,
    `capabilities: ${others.join(", ") || "none"}; requests up to ${wanted.maxRead / 1024} KiB; log-in by ${wanted.mechanisms.join(", ") || "what it does not say"}`,
  ];
  return lines.join("\n");
}

function stalled(of: SmbCase): Finding {
  of.stalled = true;
  const where = placeOf(of);
  const summary = `${where} takes connections and answers nothing: the server's kernel is alive, its SMB service hangs`;
  return {
    result: "fail",
    evidence: `NEGOTIATE had no answer within ${ANSWER_MS / 1000} s`,
    meaning: `${summary}; a mount waits and then says error 112 or 11`,
    fix: "look at the SMB service on the server: stopped, out of memory or processes, its storage hanging",
    verdict: {
      cause: "server.stalled",
      confidence: "certain",
      summary,
      advice: [
        "look at the SMB service on the server: stopped, out of memory or processes, its storage hanging",
        "restart it if nothing else helps",
      ],
    },
  };
}

/** There is no SMB2 to be had: SMB 1 alone, or something else. */
async function without(
  of: SmbCase,
  said: Exclude<Negotiated, { state: "agreed" }>,
  signal: AbortSignal,
): Promise<Finding> {
  const old = said.state === "smb1" || (await hasSmb1(of, signal));
  const answer = said.state === "other" ? "an answer that is no SMB" : outcomeText(said);
  if (old) {
    const wanted = of.intent.dialects.length === 0;
    const evidence = `SMB 2 and 3: ${answer}; SMB 1 is spoken`;
    if (wanted)
      return {
        result: "warn",
        evidence,
        meaning: "SMB 1 is neither safe nor fast, and new kernels are built without it",
      };
    const summary = `the server speaks SMB 1 alone, and ${askedText(of)}`;
    return {
      result: "fail",
      evidence,
      meaning: `${summary}; mount says error 112 or 95`,
      fix: "switch SMB 2 or 3 on at the server; vers=1.0 is the last resort",
      verdict: {
        cause: "mount.dialect-mismatch",
        confidence: "certain",
        summary,
        advice: [
          "switch SMB 2 or 3 on at the server",
          "or mount with vers=1.0, which is neither safe nor fast and which new kernels do not have",
        ],
      },
    };
  }
  const summary = `what listens on ${placeOf(of)} does not answer as an SMB server`;
  return {
    result: "fail",
    evidence: `NEGOTIATE: ${answer}`,
    meaning: `${summary}: another service, a proxy, or a server that lets this client not in (hosts deny of Samba)`,
    fix: "check that the address and port are the SMB server's, and whom it lets in",
  };
}

async function smb1Wanted(of: SmbCase, choice: Choice, signal: AbortSignal): Promise<Finding> {
  if (await hasSmb1(of, signal))
    return {
      result: "warn",
      evidence: `the server speaks SMB 1 and ${choice.dialect}`,
      meaning: "SMB 1 is neither safe nor fast",
      fix: `vers=${versOf(choice.dialect)}`,
    };
  return mismatch(of, { state: "closed" }, signal);
}

/** Which dialects the server has, one by one, so that the advice can name the one to take. */
async function mismatch(
  of: SmbCase,
  said: Exclude<Negotiated, { state: "agreed" }>,
  signal: AbortSignal,
): Promise<Finding> {
  const tried = await Promise.all(
    allDialects.map(async (dialect) => ({ dialect, said: await offered(of, { dialects: [dialect] }, signal) })),
  );
  const spoken = tried.filter((one) => one.said.state === "agreed").map(({ dialect }) => dialect);
  const best = spoken.at(-1);
  const oldest = (of.intent.dialects.at(-1) ?? "1.0") < (spoken[0] ?? "");
  const summary = `${askedText(of)}, and the server speaks ${spoken.length === 0 ? "none of them" : `SMB ${spoken.join(", ")} only`}: the client's is too ${oldest ? "old" : "new"}`;
  const advice = [
    ...(best === undefined
      ? []
      : [`mount with vers=${versOf(best)}${best.startsWith("3") ? ", or without vers=" : ""}`]),
    "or change what the server allows (Samba: server min protocol, server max protocol)",
  ];
  return {
    result: "fail",
    evidence: `offered SMB ${of.intent.dialects.join(", ") || "1"}: ${outcomeText(said)}; offered one by one: ${tried.map((one) => `${one.dialect} ${one.said.state === "agreed" ? "yes" : "no"}`).join(", ")}`,
    meaning: `${summary}; mount says error 95, 112 or 22`,
    ...(advice[0] !== undefined && { fix: advice[0] }),
    verdict: { cause: "mount.dialect-mismatch", confidence: "certain", summary, advice },
  };
}

const askedText = ({ intent }: SmbCase): string =>
  intent.vers === undefined
    ? `a mount without vers= offers SMB ${intent.dialects.join(", ")}`
    : `vers=${intent.vers} offers SMB ${intent.dialects.join(", ") || "1"}${intent.dialects.length === 1 || intent.dialects.length === 0 ? " only" : ""}`;

export const placeOf = ({ reachable, target }: SmbCase): string =>
  reachable === undefined ? target.host : `${reachable.address} port ${reachable.port}`;
