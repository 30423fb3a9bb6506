// SPDX-License-Identifier: Apache-2.0

/// What the user asked for.
struct Options: Sendable {
  var names: [String] = []
  var rounds = 5
  var sessions: Int?
  var seed: UInt64 = 1
  var isQuick = false
  var printsJSON = false
  var showsHelp = false
  /// Set in the processes that the benchmark `idle` starts.
  var idlePart: IdleBenchmark.Part?

  struct Wrong: Error, CustomStringConvertible {
    var description: String
  }

  init(_ arguments: some Sequence<String>, known: [String]) throws(Wrong) {
    var rest = Array(arguments)[...]
    while let word = rest.popFirst() {
      switch word {
      case "--quick":
        isQuick = true
        rounds = 1
      case "--json": printsJSON = true
      case "--help", "-h": showsHelp = true
      case "--rounds": rounds = try Self.number(word, rest.popFirst(), in: 1...1_000)
      case "--sessions": sessions = try Self.number(word, rest.popFirst(), in: 1...1_000_000)
      case "--idle-part":
        idlePart = rest.popFirst().flatMap(IdleBenchmark.Part.init(rawValue:))
      case "--seed": seed = UInt64(try Self.number(word, rest.popFirst(), in: 0...Int.max))
      default:
        guard known.contains(word) else {
          throw Wrong(
            description: "unknown argument '\(word)'; benchmarks: \(known.joined(separator: ", "))")
        }
        names.append(word)
      }
    }
  }

  private static func number(
    _ flag: String, _ text: String?, in range: ClosedRange<Int>
  ) throws(Wrong) -> Int {
    guard let text, let number = Int(text), range.contains(number) else {
      throw Wrong(
        description: "\(flag) takes a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }
}
