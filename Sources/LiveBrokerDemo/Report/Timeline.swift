// SPDX-License-Identifier: Apache-2.0

/// Something that happened in the life of a session: a stretch of time, or a moment if it ends
/// where it starts. Times count from the beginning of the run.
struct TimelineEvent: Equatable, Sendable {
  enum Kind: CaseIterable, Sendable {
    /// A token, from its minting to its expiry or to the end of the last connection that used it.
    case token
    /// A connection, from its setup's completion to its end.
    case connection
    /// The arrival of a handle.
    case handle
    /// A turn, from the first that was said to the end of the answer.
    case turn
    /// The moments that need no length.
    case goAway, rotation, renewal, storm
  }

  var kind: Kind
  var start: Duration
  var end: Duration

  init(_ kind: Kind, from start: Duration, to end: Duration) {
    self.kind = kind
    self.start = start
    self.end = end
  }

  init(_ kind: Kind, at moment: Duration) { self.init(kind, from: moment, to: moment) }
}

/// Draws the life of one session over the minutes of a run.
struct Timeline: Sendable {
  let title: String
  let length: Duration
  let events: [TimelineEvent]

  private static let labelWidth = 12
  private static let chartWidth = 80

  init(title: String, length: Duration, events: [TimelineEvent]) {
    self.title = title
    self.length = max(length, .seconds(1))
    self.events = events.sorted { ($0.start, $0.end) < ($1.start, $1.end) }
  }

  /// The drawing, in lines of at most 100 columns.
  func lines() -> [String] {
    let storms = events.filter { $0.kind == .storm }.map { column(of: $0.start) }
    var lines = [title, ""] + axis
    lines += lane("tokens", bars(.token), storms, count(.token))
    lines += lane("connections", bars(.connection), storms, count(.connection))
    lines += lane("handles", [density(.handle)], storms, count(.handle))
    lines += lane("turns", [density(.turn)], storms, count(.turn))
    lines.append(padded("", to: Self.labelWidth) + "│")
    for (name, kind, mark) in Self.moments where count(kind) > 0 {
      lines += lane(name, [marks(kind, mark)], kind == .storm ? [] : storms, count(kind))
    }
    lines += [padded("", to: Self.labelWidth) + "└" + rule("┴"), "", legend]
    return lines
  }

  private static let moments: [(String, TimelineEvent.Kind, Character)] = [
    ("goAway", .goAway, "▽"), ("rotation", .rotation, "●"), ("renewal", .renewal, "◆"),
    ("storm", .storm, "↯"),
  ]

  private func count(_ kind: TimelineEvent.Kind) -> Int { events.count { $0.kind == kind } }

  /// The column in which a moment falls.
  private func column(of time: Duration) -> Int {
    let share = time / length
    guard share.isFinite else { return 0 }
    return min(max(Int(share * Double(Self.chartWidth)), 0), Self.chartWidth - 1)
  }

  // MARK: Lanes

  private func lane(_ name: String, _ rows: [[Character]], _ storms: [Int], _ count: Int)
    -> [String]
  {
    rows.enumerated().map { index, row in
      var cells = row
      // The storm runs through every lane, so that one sees what it tore.
      for column in storms where cells[column] == " " { cells[column] = "┊" }
      let label = index == 0 ? name : ""
      let total = index == 0 ? "│ \(grouped(count))" : "│"
      return padded(label, to: Self.labelWidth) + "│" + String(cells) + total
    }
  }

  /// Stretches of time as boxes, each in the first row in which it meets no other.
  private func bars(_ kind: TimelineEvent.Kind) -> [[Character]] {
    var rows: [(cells: [Character], free: Int)] = []
    for (index, event) in events.lazy.filter({ $0.kind == kind }).enumerated() {
      let first = column(of: event.start)
      let last = max(first, event.end >= length ? Self.chartWidth - 1 : column(of: event.end) - 1)
      // Beyond six rows a drawing is no longer readable; what comes then shares the last one.
      let free = rows.firstIndex { $0.free <= first }
      let row = free ?? (rows.count < 6 ? rows.count : 5)
      if row == rows.count { rows.append((blank, 0)) }
      draw(bar: first...last, number: index + 1, in: &rows[row].cells)
      rows[row].free = last + 1
    }
    return rows.isEmpty ? [blank] : rows.map(\.cells)
  }

  private func draw(bar: ClosedRange<Int>, number: Int, in cells: inout [Character]) {
    for column in bar { cells[column] = "─" }
    cells[bar.lowerBound] = bar.count == 1 ? "│" : "├"
    if bar.count > 1 { cells[bar.upperBound] = "┤" }
    let label = Array(" \(number) ")
    guard bar.count >= label.count + 2 else { return }
    let start = bar.lowerBound + (bar.count - label.count) / 2
    cells.replaceSubrange(start..<(start + label.count), with: label)
  }

  /// How much of a kind falls in each column, as columns of eight heights.
  private func density(_ kind: TimelineEvent.Kind) -> [Character] {
    var counts = [Int](repeating: 0, count: Self.chartWidth)
    for event in events where event.kind == kind {
      let first = column(of: event.start)
      for column in first...max(first, column(of: event.end)) { counts[column] += 1 }
    }
    // A lane in which nothing ever coincides stays low, so that a busy one looks busy.
    let highest = max(counts.max() ?? 0, 4)
    let heights = Array("▁▂▃▄▅▆▇█")
    return counts.map { count in
      count == 0 ? " " : heights[min(7, (count * 8 - 1) / highest)]
    }
  }

  private func marks(_ kind: TimelineEvent.Kind, _ mark: Character) -> [Character] {
    var cells = blank
    for event in events where event.kind == kind { cells[column(of: event.start)] = mark }
    return cells
  }

  private var blank: [Character] { Array(repeating: " ", count: Self.chartWidth) }

  // MARK: Axis

  /// Minutes between two ticks: few enough that their numbers have room.
  private var tick: Double {
    let minutes = length / .seconds(60)
    return [0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1440]
      .first { minutes / $0 <= 10 } ?? minutes / 8
  }

  private var ticks: [(column: Int, minute: Double)] {
    let minutes = length / .seconds(60)
    return (0...Int(minutes / tick)).map { step in
      let minute = Double(step) * tick
      return (Int(minute / minutes * Double(Self.chartWidth)), minute)
    }
  }

  private var axis: [String] {
    var numbers = Array(repeating: Character(" "), count: Self.chartWidth + 7)
    for (column, minute) in ticks {
      let text = Array(decimalText(minute))
      let start = max(0, column + 1 - text.count / 2)
      for (offset, digit) in text.enumerated() where start + offset < numbers.count {
        numbers[start + offset] = digit
      }
    }
    return [
      padded("minute", to: Self.labelWidth) + trimmed(numbers),
      padded("", to: Self.labelWidth) + "┌" + rule("┬"),
    ]
  }

  private func trimmed(_ cells: [Character]) -> String {
    String(cells.prefix((cells.lastIndex { $0 != " " } ?? -1) + 1))
  }

  private func rule(_ mark: Character) -> String {
    var cells = [Character](repeating: "─", count: Self.chartWidth)
    for (column, _) in ticks where column > 0 && column < Self.chartWidth { cells[column] = mark }
    return String(cells) + (mark == "┬" ? "┐" : "┘")
  }

  private var legend: String {
    let minutes = length / .seconds(60) / Double(Self.chartWidth)
    return padded("", to: Self.labelWidth)
      + "one column is \(durationText(.seconds(minutes * 60))); at the right: how many in the whole run"
  }
}
