// SPDX-License-Identifier: Apache-2.0

/// The whole run as a table for a person, 78 columns wide.
struct SummaryTable {
  let summary: TourSummary

  private static let nameWidth = 24
  private static let valueWidth = 44
  /// Stands for what the service does not tell.
  private static let untold = "not told by the service"

  private enum Row {
    case section(String)
    case figure(String, String, holds: Bool?)
  }

  /// The lines of the table and, below it, the trace's hash and every broken promise (at most 20).
  func lines() -> [String] {
    let rows = sessionRows + timeRows + audioRows + stormRows + promiseRows
    let inner = Self.nameWidth + Self.valueWidth + 8
    var lines = ["┌" + String(repeating: "─", count: inner) + "┐"]
    for (index, row) in rows.enumerated() {
      switch row {
      case .section(let title):
        if index > 0 { lines.append("├" + String(repeating: "─", count: inner) + "┤") }
        lines.append("│ " + padded(title, to: inner - 1) + "│")
      case .figure(let name, let value, let holds):
        let mark = holds.map { $0 ? "ok" : "NO" } ?? ""
        let left = "│   " + padded(name, to: Self.nameWidth) + padded(value, to: Self.valueWidth)
        lines.append(left + padded(mark, to: inner - Self.nameWidth - Self.valueWidth - 3) + "│")
      }
    }
    lines.append("└" + String(repeating: "─", count: inner) + "┘")
    return lines + footer
  }

  private var title: String {
    let sessions = "\(grouped(summary.sessions)) session\(summary.sessions == 1 ? "" : "s")"
    let run = summary.run
    guard run.isVirtual else { return "\(sessions), \(fixed(run.wall.inSeconds, 1)) s" }
    return
      "\(sessions), \(durationText(run.virtual)) of virtual time in \(fixed(run.wall.inSeconds, 1)) s"
  }

  private var tokens: String {
    guard let minted = summary.run.tokensMinted, let unused = summary.run.tokensExpiredUnused else {
      return Self.untold
    }
    return "\(grouped(minted)), \(grouped(unused)) of them expired unused"
  }

  private var sessionRows: [Row] {
    [
      .section(title),
      .figure(
        "live at the end", "\(grouped(summary.live)) of \(grouped(summary.sessions))",
        holds: summary.live == summary.sessions),
      .figure(
        "rotations", perSession(summary.rotations, summary.rotationsPerSession), holds: nil),
      .figure("renewals", perSession(summary.renewals, summary.renewalsPerSession), holds: nil),
      .figure("unplanned drops", grouped(summary.unplannedDrops), holds: nil),
      .figure("resumed from a handle", grouped(summary.resumed), holds: nil),
      .figure("begun anew", grouped(summary.freshStarts), holds: nil),
      .figure("tokens minted", tokens, holds: nil),
      .figure("tool calls", grouped(summary.toolCalls), holds: nil),
    ]
  }

  private var network: String {
    guard let roundTrip = summary.run.roundTrip, let setup = summary.run.setup else { return "" }
    return
      ": round trip \(decimalText(roundTrip.milliseconds)), setup \(decimalText(setup.milliseconds))"
  }

  private var timeRows: [Row] {
    [
      .section("Milliseconds" + network),
      .figure("", right("p50") + right("p99") + right("max"), holds: nil),
      .figure("gap of a planned move", times(summary.gap), holds: nil),
      .figure("media held in a move", times(summary.held), holds: nil),
      .figure("back after a drop", times(summary.recovery), holds: nil),
    ]
  }

  private var audioRows: [Row] {
    let audio = summary.audio
    let head: [Row] = [
      .section("Audio, in bytes"), .figure("sent", right(grouped(audio.sentBytes)), holds: nil),
    ]
    let heard = Row.figure(
      "received from the model", right(grouped(summary.receivedFromModelBytes)), holds: nil)
    guard summary.run.isWitnessed else {
      return head + [.figure("remembered", Self.untold, holds: nil), heard]
    }
    let excused = audio.reportedLostBytes + audio.uncertainBytes
    return head + [
      .figure("remembered", right(grouped(audio.rememberedBytes)), holds: nil),
      .figure("lost", right(grouped(audio.lostBytes)), holds: audio.lostBytes <= excused),
      .figure("  reported lost", right(grouped(audio.reportedLostBytes)), holds: nil),
      .figure("  reported uncertain", right(grouped(audio.uncertainBytes)), holds: nil),
      .figure(
        "duplicated", right(grouped(audio.duplicatedBytes)), holds: audio.duplicatedBytes == 0),
      .figure("reordered", right(grouped(audio.reorderedBytes)), holds: audio.reorderedBytes == 0),
      heard,
      .figure(
        "sessions exact", "\(grouped(audio.sessionsExact)) of \(grouped(summary.sessions))",
        holds: audio.sessionsExact == summary.sessions),
    ]
  }

  private var stormRows: [Row] {
    guard let storm = summary.run.storm else { return [] }
    let ideal = storm.admittedPerSecond.map {
      "\(fixed(storm.idealSeconds, 2)) s at \(grouped($0)) admitted per second"
    }
    return [
      .section("Storm: \(grouped(storm.sessions)) sessions dropped at once"),
      .figure("attempts per session", fixed(storm.attemptsPerSession, 3), holds: nil),
      .figure("last one back after", "\(fixed(storm.lastBack.inSeconds, 2)) s", holds: nil),
      .figure("ideal", ideal ?? "no limit on admission", holds: nil),
      .figure("most dials in a second", grouped(storm.peakDialsPerSecond), holds: nil),
    ]
  }

  private var promiseRows: [Row] {
    let broken = summary.run.promisesBroken.count
    return [
      .section(summary.holds ? "Every promise held." : "NOT every promise held."),
      .figure("promises broken", grouped(broken), holds: broken == 0),
      .figure("seed", "\(summary.run.seed)", holds: nil),
    ]
  }

  private var footer: [String] {
    let broken = summary.run.promisesBroken
    var lines = summary.run.traceHash.map { ["  trace SHA-256 \($0)"] } ?? []
    lines += broken.prefix(20).flatMap { promise in
      wrap(promise, columns: 94).enumerated().map { ($0 == 0 ? "  * " : "    ") + $1 }
    }
    if broken.count > 20 { lines.append("  and \(grouped(broken.count - 20)) more") }
    return lines
  }

  private func perSession(_ sum: Int, _ range: Extremes) -> String {
    "\(grouped(sum)), \(range.min) to \(range.max) per session"
  }

  private func times(_ percentiles: Percentiles) -> String {
    [percentiles.p50, percentiles.p99, percentiles.max].map { right(fixed($0, 1)) }.joined()
  }

  private func right(_ text: String) -> String {
    String(repeating: " ", count: max(0, 14 - text.count)) + text
  }
}

/// A whole number with its thousands set apart: `1,920,000`.
func grouped(_ number: Int) -> String {
  let digits = Array(String(number.magnitude))
  var result = number < 0 ? "-" : ""
  for (index, digit) in digits.enumerated() {
    if index > 0, (digits.count - index).isMultiple(of: 3) { result += "," }
    result.append(digit)
  }
  return result
}

/// A number with exactly so many decimals, at most three.
func fixed(_ number: Double, _ decimals: Int) -> String {
  guard number.isFinite, abs(number) < 9e14 else { return "\(number)" }
  let scale = [1.0, 10, 100, 1000][min(max(decimals, 0), 3)]
  let (whole, rest) = Int64((abs(number) * scale).rounded())
    .quotientAndRemainder(dividingBy: Int64(scale))
  let sign = number < 0 && (whole != 0 || rest != 0) ? "-" : ""
  guard scale > 1 else { return "\(sign)\(whole)" }
  return "\(sign)\(whole)." + String(rest + Int64(scale)).dropFirst()
}
