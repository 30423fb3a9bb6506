// SPDX-License-Identifier: Apache-2.0

/// The name of a session. One in the form of a UUID, as the broker's own are, is kept as its 128 bits
/// inside of whoever holds it; its text is made when somebody asks for it.
enum SessionID: Hashable, Sendable {
  case bits(UInt64, UInt64)
  case text(String)

  /// The same name for the same text, however it is kept.
  init(_ text: String) {
    self = Self.bits(of: text).map { .bits($0, $1) } ?? .text(text)
  }

  var text: String {
    switch self {
    case .text(let text): text
    case .bits(let high, let low): Self.text(high, low)
    }
  }

  private static let digits = 32
  /// Before these digits stands a dash.
  private static func followsDash(_ digit: Int) -> Bool {
    digit == 8 || digit == 12 || digit == 16 || digit == 20
  }

  private static func text(_ high: UInt64, _ low: UInt64) -> String {
    String(unsafeUninitializedCapacity: digits + 4) { text in
      var place = 0
      for digit in 0..<digits {
        if followsDash(digit) {
          text[place] = UInt8(ascii: "-")
          place += 1
        }
        let half = digit < 16 ? high : low
        let value = UInt8(truncatingIfNeeded: half >> UInt64(60 - digit % 16 * 4)) & 15
        text[place] = value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
        place += 1
      }
      return place
    }
  }

  /// Nil for a text that ``text(_:_:)`` would not give back to the letter.
  private static func bits(of text: String) -> (UInt64, UInt64)? {
    guard text.utf8.count == digits + 4 else { return nil }
    var (digit, high, low): (Int, UInt64, UInt64) = (0, 0, 0)
    var expectsDash = false
    for byte in text.utf8 {
      if expectsDash {
        guard byte == UInt8(ascii: "-") else { return nil }
        expectsDash = false
        continue
      }
      let value: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = byte - UInt8(ascii: "a") + 10
      default: return nil
      }
      if digit < 16 { high = high << 4 | UInt64(value) } else { low = low << 4 | UInt64(value) }
      digit += 1
      expectsDash = followsDash(digit)
    }
    return digit == digits ? (high, low) : nil
  }
}
