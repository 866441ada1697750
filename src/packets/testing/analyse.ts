// For tests: the reports of a capture that is in memory.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Analysis, type AnalysisOptions } from "../analysis.ts";
import { CaptureFile } from "../capture-file.ts";
import {
  type CaptureReport,
  type ConnectionReport,
  captureReport,
  connectionReport,
  type TotalReport,
  totalReport,
} from "../report.ts";

export interface Reports {
  readonly capture: CaptureReport;
  readonly connections: readonly ConnectionReport[];
  readonly total: TotalReport;
}

export function analyse(bytes: Buffer, options: AnalysisOptions = {}): Reports {
  const directory = mkdtempSync(join(tmpdir(), "aod-packets-"));
  try {
    const path = join(directory, "capture");
    writeFileSync(path, bytes);
    const file = new CaptureFile(path);
    const analysis = new Analysis(options);
    try {
      for (const packet of file.read()) analysis.packet(packet);
    } finally {
      file.close();
    }
    const all = analysis.end();
    return {
      capture: { ...captureReport(file, analysis, all.length), file: "capture" },
      connections: all.map((analysed, index) => connectionReport(analysed, index + 1)),
      total: totalReport(analysis.totals),
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
