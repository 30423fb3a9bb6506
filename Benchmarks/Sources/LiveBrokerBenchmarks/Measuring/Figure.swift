// SPDX-License-Identifier: Apache-2.0

/// One measured figure: a value for each round, and what it should be.
struct Figure: Sendable {
  enum Unit: String, Sendable {
    case perSecond = "/s"
    case bytes = "B"
    case nanoseconds = "ns"
    case ratio = "x"
    case count = ""
  }

  enum Goal: Sendable {
    case atLeast(Double)
    case atMost(Double)

    func holds(_ value: Double) -> Bool {
      switch self {
      case .atLeast(let bound): value >= bound
      case .atMost(let bound): value <= bound
      }
    }

    var text: String {
      switch self {
      case .atLeast(let bound): "goal: at least \(grouped(bound))"
      case .atMost(let bound): "goal: at most \(grouped(bound))"
      }
    }
  }

  let name: String
  let title: String
  let unit: Unit
  let rounds: [Double]
  /// What it should be, on a machine of its own.
  let goal: Goal?
  /// Whether the goal holds on every machine, so that a miss is a defect.
  let isCounter: Bool
  /// What stands behind the figure in the table.
  let note: String?

  init(
    _ name: String, _ title: String, _ unit: Unit, _ rounds: [Double], _ goal: Goal? = nil,
    isCounter: Bool = false, note: String? = nil
  ) {
    self.name = name
    self.title = title
    self.unit = unit
    self.rounds = rounds
    self.goal = goal
    self.isCounter = isCounter
    self.note = note
  }

  /// A figure that depends on no machine and no load.
  init(
    _ name: String, _ title: String, _ unit: Unit, _ rounds: [Double], counter goal: Goal,
    note: String? = nil
  ) {
    self.init(name, title, unit, rounds, goal, isCounter: true, note: note)
  }

  /// The benchmark that it belongs to.
  var benchmark: Substring { name.prefix { $0 != "." } }

  /// Whether it is what it should be; true without a goal.
  var holds: Bool { goal?.holds(value) ?? true }

  /// How far the rounds lie apart, as a share of their median; nil for a single one.
  var spread: Double? {
    guard rounds.count > 1, value != 0, let least = rounds.min(), let most = rounds.max() else {
      return nil
    }
    return (most - least) / value
  }

  /// The median of the rounds.
  var value: Double { median(rounds) }
}

/// The middle of the values; zero of none.
func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  guard let middle = sorted.dropFirst(sorted.count / 2).first else { return 0 }
  return sorted.count.isMultiple(of: 2) ? (sorted[sorted.count / 2 - 1] + middle) / 2 : middle
}

/// A number with two places.
func decimals(_ value: Double) -> String {
  // Minus a thousandth is nothing, not minus nothing.
  "\((value * 100).rounded() / 100 + 0)"
}

/// A number for people: whole and in groups of three when large, with two places when small.
func grouped(_ value: Double) -> String {
  guard value.isFinite, abs(value) < 9e15 else { return "\(value)" }
  guard abs(value) >= 100 else { return decimals(value) }
  var digits = String(Int(value.rounded()))
  var groups: [String] = []
  while digits.count > 3 {
    groups.insert(String(digits.suffix(3)), at: 0)
    digits.removeLast(3)
  }
  return ([digits] + groups).joined(separator: ",")
}
