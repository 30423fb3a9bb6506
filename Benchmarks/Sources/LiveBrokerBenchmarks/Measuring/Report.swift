// SPDX-License-Identifier: Apache-2.0

/// How figures are shown.
enum Report {
  private static let cells = 24

  /// A line for each figure with a bar. Bars compare figures of one benchmark and one unit.
  static func table(_ figures: [Figure]) -> String {
    let width = figures.map(\.title.count).max() ?? 0
    var lines: [String] = []
    for (place, figure) in figures.enumerated() {
      if place == 0 || figures[place - 1].benchmark != figure.benchmark {
        lines += (lines.isEmpty ? [] : [""]) + [figure.benchmark.uppercased()]
      }
      lines.append(line(figure, among: figures, width))
      if let note = figure.note { lines.append("    " + note) }
    }
    return lines.joined(separator: "\n")
  }

  private static func line(_ figure: Figure, among figures: [Figure], _ width: Int) -> String {
    let title = "  " + figure.title + String(repeating: " ", count: width - figure.title.count)
    let value = grouped(figure.value) + figure.unit.rawValue
    let room = String(repeating: " ", count: max(1, 14 - value.count))
    let spread = figure.spread.map { "±\(Int(($0 * 50).rounded()))%" } ?? ""
    let goal = figure.goal.map { "  \(figure.holds ? "ok" : "NO")  \($0.text)" } ?? ""
    let gap = String(repeating: " ", count: max(0, 6 - spread.count))
    let text = "\(title)\(room)\(value) \(spread)\(gap) \(bar(figure, among: figures))\(goal)"
    return String(text.reversed().drop { $0 == " " }.reversed())
  }

  private static func bar(_ figure: Figure, among figures: [Figure]) -> String {
    // Two counters of different things have no common scale.
    guard figure.unit != .count else { return String(repeating: " ", count: cells) }
    let alike = figures.filter { $0.unit == figure.unit && $0.benchmark == figure.benchmark }
    let largest = alike.map(\.value).max() ?? 0
    let full = largest > 0 ? Int((figure.value / largest * Double(cells)).rounded()) : 0
    let count = min(max(full, figure.value > 0 ? 1 : 0), cells)
    return String(repeating: "▇", count: count) + String(repeating: " ", count: cells - count)
  }

  /// One line for machines.
  static func json(_ figures: [Figure]) -> String {
    let members = figures.map { figure in
      var fields = "\"median\":\(figure.value),\"unit\":\"\(figure.unit.rawValue)\","
      fields += "\"rounds\":[\(figure.rounds.map { "\($0)" }.joined(separator: ","))]"
      if figure.goal != nil { fields += ",\"holds\":\(figure.holds)" }
      return "\"\(figure.name)\":{\(fields)}"
    }
    return "{\(members.joined(separator: ","))}"
  }
}
