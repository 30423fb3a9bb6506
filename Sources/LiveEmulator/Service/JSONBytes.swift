// SPDX-License-Identifier: Apache-2.0

/// Strict JSON written as bytes. The service writes its messages with this rather than with the
/// client's codec, so that a mistake in one does not excuse the same mistake in the other.
extension [UInt8] {
  /// Appends text that is JSON already.
  mutating func raw(_ text: StaticString) {
    append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Appends a string with its quotes, escaped as JSON demands.
  mutating func quoted(_ text: String) {
    append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""): raw("\\\"")
      case UInt8(ascii: "\\"): raw("\\\\")
      case 0x0A: raw("\\n")
      case 0x0D: raw("\\r")
      case 0x09: raw("\\t")
      case 0..<0x20:
        raw("\\u00")
        append(Self.hexDigit(byte >> 4))
        append(Self.hexDigit(byte & 15))
      default: append(byte)
      }
    }
    append(UInt8(ascii: "\""))
  }

  /// Appends a whole number.
  mutating func number(_ value: Int) {
    append(contentsOf: String(value).utf8)
  }

  /// Appends bytes in standard base64 with padding.
  mutating func base64(_ bytes: [UInt8]) {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    reserveCapacity(count + (bytes.count + 2) / 3 * 4)
    var index = 0
    while index < bytes.count {
      let rest = bytes.count - index
      let group =
        UInt32(bytes[index]) << 16 | (rest > 1 ? UInt32(bytes[index + 1]) << 8 : 0)
        | (rest > 2 ? UInt32(bytes[index + 2]) : 0)
      append(alphabet[Int(group >> 18)])
      append(alphabet[Int(group >> 12) & 63])
      append(rest > 1 ? alphabet[Int(group >> 6) & 63] : UInt8(ascii: "="))
      append(rest > 2 ? alphabet[Int(group) & 63] : UInt8(ascii: "="))
      index += 3
    }
  }

  private static func hexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }
}
