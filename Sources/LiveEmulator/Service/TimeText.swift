// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// Times as the service spells them.
enum TimeText {
  /// A duration as protobuf JSON spells it: seconds with 0, 3, 6 or 9 decimals and `s`.
  static func protobuf(_ duration: Duration) -> String {
    let total = duration.nanoseconds
    let magnitude = total.magnitude
    let sign = total < 0 ? "-" : ""
    let (seconds, rest) = magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
    guard rest != 0 else { return "\(sign)\(seconds)s" }
    let digits: (count: Int, value: UInt64) =
      rest % 1_000_000 == 0
      ? (3, rest / 1_000_000) : rest % 1_000 == 0 ? (6, rest / 1_000) : (9, rest)
    let text = String(digits.value)
    let zeros = String(repeating: "0", count: max(0, digits.count - text.utf8.count))
    return "\(sign)\(seconds).\(zeros)\(text)s"
  }
}
