// SPDX-License-Identifier: Apache-2.0

/// Writes one JSON object on one line, its keys in the order in which they are added.
struct JSONLine {
  private var members: [String] = []

  /// The object as it is so far.
  var text: String { "{\(members.joined(separator: ","))}" }

  mutating func add(_ key: String, _ number: UInt64) { add(key, raw: "\(number)") }

  mutating func add(_ key: String, _ number: Int?) {
    add(key, raw: number.map { "\($0)" } ?? "null")
  }

  /// At most three decimals, never an exponent; null if it is no number.
  mutating func add(_ key: String, _ number: Double?) {
    add(key, raw: number.map { $0.isFinite ? decimalText($0) : "null" } ?? "null")
  }

  mutating func add(_ key: String, _ string: String?) {
    add(key, raw: string.map(Self.quoted) ?? "null")
  }

  /// An object within this one; null if there is none.
  mutating func add(_ key: String, _ object: JSONLine?) { add(key, raw: object?.text ?? "null") }

  private mutating func add(_ key: String, raw: String) {
    members.append("\(Self.quoted(key)):\(raw)")
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
