import { defineScenario } from "../scenario.ts";
import counts from "./counts.ts";

export default defineScenario({
  ...counts,
  name: "counts-preempt",
  summary: `${counts.summary}, with full preemption`,
  thin: false,
  preempt: "full",
});
