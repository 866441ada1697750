import type { Answer } from "../answer.ts";
import type { Machine } from "../machine.ts";
import { type KnownMount, knownMounts, type WrongEntry } from "./all.ts";
import { examineMount } from "./mount.ts";

/** Mounts that are looked at at the same time. */
const AT_ONCE = 4;

/** An answer for each mount that is there or that a file of the system asks for, and for each entry that no mount can be made of. */
export async function examineEvery(
  machine: Machine,
  attempt: boolean,
  signal: AbortSignal,
): Promise<readonly Answer[]> {
  const { mounts, wrong } = await knownMounts(machine, signal);
  const answers = wrong.map(wrongAnswer);
  for (let at = 0; at < mounts.length; at += AT_ONCE)
    answers.push(
      ...(await Promise.all(mounts.slice(at, at + AT_ONCE).map((one) => answerOf(one, machine, attempt, signal)))),
    );
  return answers;
}

async function answerOf(
  { target, options, from }: KnownMount,
  machine: Machine,
  attempt: boolean,
  signal: AbortSignal,
): Promise<Answer> {
  const { subject, ...answer } = await examineMount(target, { options, attempt }, machine, signal);
  return { subject, from, ...answer };
}

function wrongAnswer({ subject, from, why, fix }: WrongEntry): Answer {
  const summary = `${from}: ${why}`;
  return {
    subject,
    from,
    verdict: { cause: "mount.share-not-found", confidence: "certain", summary, advice: [fix] },
    steps: [
      {
        name: "source",
        result: "fail",
        evidence: summary,
        meaning: "mount(8) can make no mount of it",
        fix,
        took_ms: 0,
      },
    ],
  };
}
