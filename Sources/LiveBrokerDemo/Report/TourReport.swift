// SPDX-License-Identifier: Apache-2.0

/// What a tour leaves on standard output.
struct TourReport: Sendable {
  var summary: TourSummary
  /// The life of one session; left out of the JSON.
  var life: Timeline

  /// The report as text, without a line break at its end.
  func text(asJSON: Bool) -> String {
    if asJSON { return summary.json }
    return (life.lines() + [""] + SummaryTable(summary: summary).lines()).joined(separator: "\n")
  }

  /// How the process ends: well only if every promise held.
  var status: ExitStatus { summary.holds ? .success : .promiseBroken }
}
